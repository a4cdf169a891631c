// The exhibits can be filtered and walked through with the keys. Without this script the page shows all of them.
(function () {
  "use strict";
  var exhibits = Array.prototype.slice.call(document.querySelectorAll(".exhibit"));
  var form = document.querySelector(".filter");

  // On paper everything is unfolded.
  var folded = [];
  addEventListener("beforeprint", function () {
    folded = Array.prototype.filter.call(document.querySelectorAll("details:not(.query)"), function (d) { return !d.open; });
    folded.forEach(function (d) { d.open = true; });
  });
  addEventListener("afterprint", function () { folded.forEach(function (d) { d.open = false; }); });

  if (!form) { return; }
  form.hidden = false;
  var find = document.getElementById("find");
  var by = { kind: document.getElementById("by-kind"), grades: document.getElementById("by-grade"), sort: document.getElementById("by-sort") };
  var found = form.querySelector(".found");

  function visible() { return exhibits.filter(function (e) { return !e.hidden; }); }

  function filter() {
    var words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
    exhibits.forEach(function (e) {
      var text = e.textContent.toLowerCase();
      e.hidden = !(words.every(function (w) { return text.includes(w); }) &&
        (!by.kind.value || e.dataset.kind === by.kind.value) &&
        (!by.grades.value || e.dataset.grades.split(" ").includes(by.grades.value)) &&
        (!by.sort.value || e.dataset.sort === by.sort.value));
    });
    found.textContent = visible().length + " of " + exhibits.length + " exhibits on this page";
  }

  function clear() {
    find.value = by.kind.value = by.grades.value = by.sort.value = "";
    filter();
  }

  function step(by) {
    var list = visible(), at = list.indexOf(document.activeElement.closest(".exhibit"));
    if (!list.length) { return; }
    at = at < 0 ? (by > 0 ? 0 : list.length - 1) : Math.min(Math.max(at + by, 0), list.length - 1);
    list[at].focus();
    list[at].scrollIntoView({ block: "start" });
  }

  form.addEventListener("input", filter);
  form.addEventListener("submit", function (e) { e.preventDefault(); });
  document.addEventListener("keydown", function (e) {
    if (e.ctrlKey || e.metaKey || e.altKey) { return; }
    var typing = /^(INPUT|SELECT|TEXTAREA)$/.test(e.target.tagName);
    if (e.key === "Escape") {
      clear();
      if (typing) { e.target.blur(); }
    } else if (typing) {
      return;
    } else if (e.key === "/") {
      e.preventDefault();
      find.focus();
    } else if (e.key === "j") {
      step(1);
    } else if (e.key === "k") {
      step(-1);
    } else if (e.key === "Enter" && e.target.classList.contains("exhibit")) {
      var body = e.target.querySelector("details.body");
      body.open = !body.open;
    }
  });
  filter();
})();
