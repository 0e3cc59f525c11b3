"use strict";
// Filters the table of cases, and walks from page to page. Everything works without it but that.
(() => {
  const bar = document.querySelector(".filter");
  if (bar) {
    const search = bar.querySelector("#search");
    const group = bar.querySelector("#group");
    const boxes = [...bar.querySelectorAll("input[name=grade]")];
    const groups = [...document.querySelectorAll("table.cases tbody")].map((body) => ({
      body,
      number: body.dataset.group,
      rows: [...body.querySelectorAll("tr[data-marks]")].map((row) => ({
        row,
        id: row.querySelector("th").textContent,
        text: row.textContent.toLowerCase(),
        marks: row.dataset.marks.split(" "),
      })),
    }));

    const apply = () => {
      const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
      const marks = boxes.filter((box) => box.checked).map((box) => box.value);
      const fits = ({ id, text, marks: own }) =>
        words.every((word) => text.includes(word) || (word.endsWith(".") && id.startsWith(word))) &&
        (!marks.length || marks.some((mark) => own.includes(mark)));
      let shown = 0;
      let all = 0;
      for (const { body, number, rows } of groups) {
        let left = 0;
        for (const entry of rows) {
          const visible = (!group.value || group.value === number) && fits(entry);
          entry.row.hidden = !visible;
          left += visible;
        }
        body.hidden = !left;
        shown += left;
        all += rows.length;
      }
      bar.querySelector("#shown").textContent =
        shown === all ? `${all} cases` : `${shown} of ${all} cases`;
      document.querySelector("#nothing").hidden = shown > 0;
    };

    // The filters are part of the address, so that they can be passed on and survive a reload.
    const save = () => {
      const query = new URLSearchParams();
      if (search.value) query.set("q", search.value);
      if (group.value) query.set("group", group.value);
      for (const box of boxes) if (box.checked) query.append("grade", box.value);
      const text = query.toString();
      history.replaceState(null, "", text ? `?${text}` : location.pathname);
    };
    const load = () => {
      const query = new URLSearchParams(location.search);
      search.value = query.get("q") ?? "";
      group.value = query.get("group") ?? "";
      for (const box of boxes) box.checked = query.getAll("grade").includes(box.value);
    };
    const changed = () => {
      apply();
      save();
    };

    bar.hidden = false;
    bar.addEventListener("input", changed);
    bar.querySelector("#reset").addEventListener("click", () => {
      search.value = group.value = "";
      for (const box of boxes) box.checked = false;
      changed();
    });
    load();
    apply();
    // What the address points to may only now stand where it stays.
    if (location.hash) document.getElementById(location.hash.slice(1))?.scrollIntoView();
  }

  const bytes = document.querySelector("#bytes");
  if (bytes) {
    const timeline = document.querySelector(".timeline");
    const show = () => timeline.classList.toggle("frames", !bytes.checked);
    bytes.parentElement.hidden = false;
    bytes.addEventListener("change", show);
    // Where there are no frames, the bytes are all there is to see.
    bytes.checked = !timeline.querySelector(".opcode");
    show();
  }

  addEventListener("keydown", (event) => {
    const typing = event.target.matches?.("input:not([type=checkbox]), select, textarea");
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key === "Escape" && typing) event.target.blur();
    if (typing) return;
    const follow = (link) => document.querySelector(link)?.click();
    if (event.key === "/") {
      const search = document.querySelector("#search");
      if (search) {
        event.preventDefault();
        search.focus();
      }
    } else if (event.key === "ArrowLeft" && !event.target.matches?.("[tabindex]")) {
      follow("a[rel=prev]");
    } else if (event.key === "ArrowRight" && !event.target.matches?.("[tabindex]")) {
      follow("a[rel=next]");
    }
  });
})();
