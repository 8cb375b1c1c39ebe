// The institution finder as one types. Without it the same form is sent by its button.
(function () {
  "use strict";
  var form = document.querySelector("[data-finder]");
  if (!form || !window.fetch || !window.URLSearchParams) return;
  var input = form.querySelector("input");
  var wait = 0;
  var asked = 0;

  function show(number, html) {
    if (number !== asked) return; // an older answer that came late
    var page = new DOMParser().parseFromString(html, "text/html");
    var fresh = page.getElementById(form.dataset.finder);
    var old = document.getElementById(form.dataset.finder);
    if (fresh && old) old.innerHTML = fresh.innerHTML;
  }

  function ask() {
    var number = ++asked;
    var address = "/" + (input.value.trim() ? "?" + new URLSearchParams({ q: input.value.trim() }) : "");
    fetch(address, { credentials: "same-origin" })
      .then(function (answer) { return answer.ok ? answer.text() : ""; })
      .then(function (html) {
        if (!html) return;
        show(number, html);
        if (number === asked) history.replaceState(null, "", address);
      })
      .catch(function () { /* the button still works */ });
  }

  input.addEventListener("input", function () {
    clearTimeout(wait);
    wait = setTimeout(ask, 150);
  });
})();
