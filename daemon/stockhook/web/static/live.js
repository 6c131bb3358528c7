// What a page that renews itself needs beside htmx: it says so when nobody answers any more, for what is seen then may
// be old, and it has a screen reader say what the page's main sentence has become.
"use strict";
(() => {
  const sentence = () => {
    const said = document.querySelector("[data-heard]");
    return said ? said.textContent.replace(/\s+/g, " ").trim() : "";
  };
  let heard = sentence();

  document.addEventListener("htmx:afterRequest", (event) => {
    document.getElementById("lost").hidden = event.detail.successful === true;
  });
  document.addEventListener("htmx:afterSettle", () => {
    const now = sentence();
    if (now === heard) return;
    heard = now;
    document.getElementById("heard").textContent = now;
  });
})();
