"use strict";
// Looks through window.HUB_INDEX, rows of [kind, page, name, text, result]. Texts go in as text, never as HTML.
(() => {
  const most = 50;
  const field = document.getElementById("q");
  const told = document.getElementById("told");
  const hits = document.getElementById("hits");
  const empty = told.textContent;
  const rows = window.HUB_INDEX.map((row) => [row, row.join(" ").toLowerCase()]);

  const item = ([kind, page, name, text, result]) => {
    const line = document.createElement("li");
    const link = document.createElement("a");
    link.href = page;
    link.textContent = name;
    const more = document.createElement("p");
    more.textContent = text;
    const about = document.createElement("p");
    about.className = "soft";
    about.textContent = result ? `${kind}: ${result}` : kind;
    line.append(link, more, about);
    return line;
  };

  const look = () => {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    const found = words.length ? rows.filter(([, text]) => words.every((word) => text.includes(word))) : [];
    // CHG-4 itself before CHG-41, and both before what only mentions them.
    const whole = words.join(" ");
    const rank = ([row]) => { const name = row[2].toLowerCase(); return name === whole ? 0 : name.startsWith(whole) ? 1 : 2; };
    found.sort((one, other) => rank(one) - rank(other));
    hits.replaceChildren(...found.slice(0, most).map(([row]) => item(row)));
    const cut = found.length > most ? told.dataset.cut.replace("{n}", most) : "";
    told.textContent = words.length ? told.dataset.found.replace("{n}", found.length) + cut + "." : empty;
  };

  const asked = () => {
    try {
      return decodeURIComponent(location.hash.slice(1));
    } catch {
      return ""; // a link that somebody cut
    }
  };

  field.addEventListener("input", () => {
    look();
    history.replaceState(null, "", `#${encodeURIComponent(field.value)}`); // so that "back" finds the hits again
  });
  field.value = asked();
  look();
})();
