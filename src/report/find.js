"use strict";
(() => {
  const form = document.getElementById("find");
  const said = document.getElementById("said");
  const field = (name) => form.elements.namedItem(name);
  const GREEK = { λ: "lambda", μ: "mu", ν: "nu", β: "beta", ε: "epsilon", δ: "delta", φ: "phi", ρ: "rho", "√": "sqrt", "−": "-" };
  const plain = (text) => text.toLowerCase().replace(/[λμνβεδφρ√−]/g, (letter) => GREEK[letter]);
  const rows = [...document.querySelectorAll("tr[data-verdict]")]
    .map((row) => ({ row, home: row.parentNode, text: plain(row.textContent) }));
  const groups = [...document.querySelectorAll(".group")];

  // The table of all claims in the order of their margin.
  const ordered = document.createElement("div");
  const head = document.querySelector("table.measured thead");
  ordered.hidden = true;
  if (head) {
    ordered.innerHTML = '<h3 id="ordered">Claims in the order of their margin</h3>'
      + '<table class="claims measured" role="table" aria-labelledby="ordered"><tbody role="rowgroup"></tbody></table>';
    ordered.querySelector("table").prepend(head.cloneNode(true));
    form.nextElementSibling.after(ordered);
  } else {
    field("order").disabled = true;
  }

  const margin = (row, without) => ("margin" in row.dataset ? Number(row.dataset.margin) : without);

  const place = () => {
    const order = field("order").value;
    ordered.hidden = !order;
    if (order) {
      const sign = order === "smallest" ? 1 : -1;
      const of = ({ row }) => sign * margin(row, sign * Infinity);
      const body = ordered.querySelector("tbody");
      [...rows].sort((a, b) => of(a) - of(b) || 0).forEach(({ row }) => body.append(row));
    } else {
      rows.forEach(({ row, home }) => home.append(row));
    }
  };

  const filter = () => {
    const words = plain(field("words").value).split(/\s+/).filter(Boolean);
    const names = ["verdict", "stage", "kind"];
    let shown = 0;
    for (const { row, text } of rows) {
      const fits = names.every((name) => !field(name).value || row.dataset[name] === field(name).value)
        && words.every((word) => text.includes(word));
      row.hidden = !fits;
      shown += fits;
    }
    const all = shown === rows.length && !field("order").value;
    for (const group of groups) {
      group.hidden = !all && !group.querySelector("tr[data-verdict]:not([hidden])");
    }
    field("shown").value = `${shown} of ${rows.length} claims`;
  };

  const update = () => { place(); filter(); };

  // A link to a claim shows it, whatever was filtered.
  const reveal = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target?.closest("[hidden]")) {
      form.reset();
      update();
      target.scrollIntoView();
    }
  };

  const copy = async (text) => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const area = document.createElement("textarea");
      area.value = text;
      document.body.append(area);
      area.select();
      const done = document.execCommand("copy");
      area.remove();
      return done;
    }
    return true;
  };

  for (const button of document.querySelectorAll("button.copy")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      const id = button.closest("tr").id;
      const done = await copy(`${button.dataset.copy}\n${location.href.split("#")[0]}#${id}`);
      said.textContent = done ? `Copied ${id}` : "The browser does not let this page copy";
      const word = button.firstChild;
      word.nodeValue = done ? "Copied" : "Failed";
      setTimeout(() => { word.nodeValue = "Copy"; said.textContent = ""; }, 2000);
    });
  }

  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", update);
  form.addEventListener("reset", () => setTimeout(update));
  window.addEventListener("hashchange", reveal);
  form.hidden = false;
  document.documentElement.classList.add("scripted");
  update();
})();
