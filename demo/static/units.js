// Formatting of numbers for people: counts, bytes, percentages, milliseconds and durations.

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const compact = new Intl.NumberFormat("en", { notation: "compact", minimumSignificantDigits: 3, maximumSignificantDigits: 3 });

/** A count or a rate: "7", "1,204", "45.2K". */
export function count(value) {
  return value < 10_000 ? whole.format(value) : compact.format(value);
}

/** A number of bytes: "512 B", "1.5 KiB", "64 MiB". */
export function bytes(value) {
  const names = ["B", "KiB", "MiB", "GiB", "TiB"];
  let scale = 0;
  while (value >= 1000 && scale < names.length - 1) {
    value /= 1024;
    scale += 1;
  }
  const digits = scale === 0 || value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return `${Number(value.toFixed(digits))} ${names[scale]}`;
}

/** A ratio as a percentage: "3.4 %", "42 %", "103 %". */
export function percent(value) {
  return `${(value * 100).toFixed(value < 0.0995 ? 1 : 0)} %`;
}

/** Milliseconds: "0.21 ms", "14.3 ms", "1.20 s". */
export function milliseconds(value) {
  if (value >= 1000) return `${(value / 1000).toFixed(2)} s`;
  return `${value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0)} ms`;
}

/** A duration in seconds, in its two largest units: "42 s", "3 min 5 s", "2 d 4 h". */
export function span(seconds) {
  const units = [["d", 86_400], ["h", 3_600], ["min", 60], ["s", 1]];
  const first = units.findIndex(([, size]) => seconds >= size);
  if (first < 0) return "0 s";
  return units
    .slice(first, first + 2)
    .map(([name, size], n) => [Math.floor((n === 0 ? seconds : seconds % units[first][1]) / size), name])
    .filter(([amount], n) => n === 0 || amount > 0)
    .map(([amount, name]) => `${amount} ${name}`)
    .join(" ");
}
