// Small comforts. Every page works without them.
(function () {
  "use strict";

  function each(selector, act, root) {
    Array.prototype.forEach.call((root || document).querySelectorAll(selector), act);
  }

  // Copy a credential: data-copy names the element that holds it.
  function oldCopy(text) {
    var box = document.createElement("textarea");
    box.value = text;
    box.className = "vh";
    document.body.appendChild(box);
    box.select();
    var done = document.execCommand("copy");
    document.body.removeChild(box);
    return done ? Promise.resolve() : Promise.reject(new Error("copy"));
  }

  function copy(button) {
    var source = document.getElementById(button.dataset.copy);
    var word = button.querySelector("span");
    if (!source || !word) return;
    var text = source.textContent.trim();
    var clip = navigator.clipboard && navigator.clipboard.writeText;
    (clip ? navigator.clipboard.writeText(text).catch(function () { return oldCopy(text); }) : oldCopy(text)).then(
      function () {
        var before = button.dataset.before || word.textContent;
        button.dataset.before = before;
        word.textContent = button.dataset.copied;
        word.setAttribute("role", "status");
        button.focus();
        setTimeout(function () { word.textContent = before; }, 2500);
      },
      function () {
        var range = document.createRange(); // not allowed to copy: select it, so that the reader can
        range.selectNodeContents(source);
        var selection = getSelection();
        selection.removeAllRanges();
        selection.addRange(range);
      }
    );
  }

  // Menus close by Escape, by a click elsewhere, and when focus has left them.
  function closeMenus(except, refocus) {
    each("details.menu[open]", function (menu) {
      if (menu === except) return;
      menu.open = false;
      if (refocus) menu.querySelector("summary").focus();
    });
  }

  document.addEventListener("click", function (event) {
    var button = event.target.closest("[data-copy]");
    if (button) copy(button);
    closeMenus(event.target.closest("details.menu"));
  });
  document.addEventListener("keydown", function (event) {
    if (event.key === "Escape") closeMenus(null, true);
  });
  document.addEventListener("focusin", function (event) {
    closeMenus(event.target.closest("details.menu"));
  });
  document.addEventListener("change", function (event) {
    var form = event.target.form;
    if (!form || !event.target.matches("[data-submit]")) return;
    if (form.requestSubmit) form.requestSubmit();
    else form.submit();
  });

  // Filters stand open where there is room, in browsers whose stylesheet cannot do it.
  if (window.matchMedia("(min-width: 62rem)").matches) {
    each("details[data-open-wide]", function (details) { details.open = true; });
  }

  // data-poll="1000": ask for this page again every so many ms and replace the element, until the new one does not
  // ask any more. Slower after a minute; a failed try only waits for the next.
  var started = Date.now();
  function poll(element) {
    var every = Math.max(250, Number(element.dataset.poll) || 1000);
    if (Date.now() - started > 60000) every *= 5;
    setTimeout(function () {
      fetch(location.href, { credentials: "same-origin", cache: "no-store" })
        .then(function (answer) {
          if (answer.redirected && answer.url !== location.href) location.assign(answer.url);
          return answer.ok ? answer.text() : "";
        })
        .then(function (html) {
          var fresh = html && new DOMParser().parseFromString(html, "text/html").getElementById(element.id);
          if (html && !fresh) return location.reload();
          if (fresh && fresh.innerHTML !== element.innerHTML) {
            fresh = document.importNode(fresh, true);
            element.parentNode.replaceChild(fresh, element);
            element = fresh;
            ready(element);
          } else if (fresh && !fresh.hasAttribute("data-poll")) {
            element.removeAttribute("data-poll");
          }
          if (element.hasAttribute("data-poll")) poll(element);
        })
        .catch(function () { poll(element); });
    }, every);
  }

  function ready(root) {
    each("[data-copy][hidden]", function (button) { button.hidden = false; }, root);
  }

  ready(document);
  each("[data-poll][id]", poll);
  var focus = document.querySelector("[data-focus]");
  if (focus) focus.focus();
})();
