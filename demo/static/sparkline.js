// A small line chart in SVG. Its colours come from the style sheet, so it follows the colour scheme and
// every width without being redrawn.

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 240;
const HEIGHT = 48;
// Keeps the stroke and the end dot inside the box.
const MARGIN = 4;
// With fewer values than this, the left side stays empty instead of the values being spread out.
const FEWEST = 20;

/** One or two series on a shared scale from zero; the newest value is at the right. */
export class Sparkline {
  #values;
  #length;
  #paths;

  /** `length` is the number of values kept, `series` the number of lines. */
  constructor(svg, { length = 60, series = 1 } = {}) {
    this.#length = length;
    this.#values = Array.from({ length: series }, () => []);
    svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
    svg.setAttribute("preserveAspectRatio", "none");
    this.#paths = this.#values.map((_, index) => {
      const [area, trace, end] = ["area", "trace", "end"].map((part) => {
        const path = document.createElementNS(SVG, "path");
        path.setAttribute("class", `${part} series-${index + 1}`);
        return path;
      });
      svg.append(area, trace, end);
      return { area, trace, end };
    });
  }

  /** Appends one value per series; null leaves a gap. */
  push(...values) {
    values.forEach((value, index) => {
      this.#values[index].push(value);
      if (this.#values[index].length > this.#length) this.#values[index].shift();
    });
    this.#draw();
  }

  /** Replaces the values, spread over the whole width. */
  show(values) {
    this.#values = [values];
    this.#length = values.length;
    this.#draw();
  }

  #draw() {
    const highest = Math.max(...this.#values.flat().map((value) => value ?? 0), Number.MIN_VALUE);
    const y = (value) => HEIGHT - MARGIN - (value / highest) * (HEIGHT - 2 * MARGIN);
    const shown = Math.max(this.#values[0].length, Math.min(this.#length, FEWEST), 2);
    const step = (WIDTH - 2 * MARGIN) / (shown - 1);
    this.#values.forEach((values, index) => {
      const left = WIDTH - MARGIN - (values.length - 1) * step;
      const points = values.map((value, n) => value !== null && [left + n * step, y(value)]);
      const { area, trace, end } = this.#paths[index];
      trace.setAttribute("d", strokes(points));
      area.setAttribute("d", points.every(Boolean) ? filled(points) : "");
      const last = points.at(-1);
      // A zero-length line with round caps is a dot that the stretched box cannot distort.
      end.setAttribute("d", last ? `M${last.join(" ")}h0` : "");
    });
  }
}

function strokes(points) {
  return points
    .map((point, n) => point && `${points[n - 1] ? "L" : "M"}${point.map((x) => x.toFixed(1)).join(" ")}`)
    .filter(Boolean)
    .join("");
}

function filled(points) {
  if (points.length < 2) return "";
  return `${strokes(points)}L${points.at(-1)[0]} ${HEIGHT}L${points[0][0]} ${HEIGHT}Z`;
}
