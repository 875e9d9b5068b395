// Before anything else on the page: how long from each key until the next item has been painted.
window.keyTimes = [];

function shownItem() {
  window.ratingRoot ??= [...document.querySelectorAll("*")].find((e) => e.shadowRoot?.querySelector(".rate"))?.shadowRoot;
  return window.ratingRoot?.querySelector(".panes")?.textContent;
}

window.addEventListener(
  "keydown",
  (event) => {
    const before = shownItem();
    const look = () => {
      if (window.ratingRoot?.querySelector(".work")?.hidden) return;
      if (shownItem() === before) {
        requestAnimationFrame(look);
        return;
      }
      const painted = new MessageChannel();
      painted.port1.onmessage = () => window.keyTimes.push(performance.now() - event.timeStamp);
      painted.port2.postMessage(null);
    };
    requestAnimationFrame(look);
  },
  { capture: true },
);
