// The behaviour of one comparison. `root` is its element; nothing outside of it is touched.
if (!root.dataset.ready) {
  root.dataset.ready = "yes";
  const MOST = 16, STEP = 1.5, NEAR = 22;  // the greatest zoom, one step of it, pixels around the line
  const stage = root.querySelector(".stage"), range = root.querySelector("input");
  const moments = [...root.querySelectorAll(".moment")];
  const thumbs = [...root.querySelectorAll(".moments button")];
  const fingers = new Map();
  let at = 50, zoom = 1, x = 0, y = 0, pans = false;  // x, y: the corner of what is seen, 0 to 1
  const within = (value, low, high) => Math.min(Math.max(value, low), high);

  const draw = () => {
    x = within(x, 0, 1 - 1 / zoom);
    y = within(y, 0, 1 - 1 / zoom);
    const set = (name, value) => stage.style.setProperty(name, value);
    set("--at", at + "%");
    set("--zoom", zoom);
    set("--x", -x * zoom * 100 + "%");
    set("--y", -y * zoom * 100 + "%");
    stage.classList.toggle("zoomed", zoom > 1);
    range.value = at;
    range.setAttribute("aria-valuetext", Math.round(at) + " %");
    root.querySelector("output").textContent = Math.round(zoom * 100) + " %";
  };
  const place = event => {
    const box = stage.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  };
  const slide = event => { at = within(place(event)[0] * 100, 0, 100); draw(); };
  const zoomBy = (factor, [left, top] = [0.5, 0.5]) => {
    const wanted = within(zoom * factor, 1, MOST);
    x += left / zoom - left / wanted;  // what is under the pointer stays there
    y += top / zoom - top / wanted;
    zoom = wanted;
    draw();
  };
  const reset = () => { at = 50; zoom = 1; draw(); };
  const choose = number => {
    moments.forEach((moment, n) => moment.classList.toggle("on", n === number));
    thumbs.forEach((thumb, n) => thumb.setAttribute("aria-pressed", n === number));
  };

  stage.addEventListener("pointerdown", event => {
    if (event.button) return;
    event.preventDefault();  // no picture is dragged away
    range.focus({preventScroll: true});  // so that the keys work from now on
    stage.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, event);
    const far = Math.abs(place(event)[0] - at / 100) * stage.clientWidth;
    pans = zoom > 1 && far > NEAR;
    if (!pans && fingers.size === 1) slide(event);
  });
  stage.addEventListener("pointermove", event => {
    const last = fingers.get(event.pointerId);
    if (!last) return;
    const other = [...fingers.values()].find(one => one.pointerId !== event.pointerId);
    const apart = one => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);
    if (other) {
      zoomBy(apart(event) / Math.max(apart(last), 1), place(event));
    } else if (pans) {
      x -= (event.clientX - last.clientX) / stage.clientWidth / zoom;
      y -= (event.clientY - last.clientY) / stage.clientHeight / zoom;
      draw();
    } else {
      slide(event);
    }
    fingers.set(event.pointerId, event);
  });
  for (const name of ["pointerup", "pointercancel"]) {
    stage.addEventListener(name, event => fingers.delete(event.pointerId));
  }
  stage.addEventListener("dblclick", reset);
  stage.addEventListener("wheel", event => {
    // A page that is scrolled past must not stop at every picture: only one in use zooms.
    const used = event.ctrlKey || event.metaKey || document.activeElement === range;
    if (!used || (zoom === 1 && event.deltaY > 0)) return;
    event.preventDefault();
    zoomBy(event.deltaY < 0 ? STEP : 1 / STEP, place(event));
  }, {passive: false});

  range.addEventListener("input", () => { at = +range.value; draw(); });
  root.addEventListener("keydown", event => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const keys = {"+": () => zoomBy(STEP), "=": () => zoomBy(STEP), "-": () => zoomBy(1 / STEP), "0": reset};
    if (keys[event.key]) {
      event.preventDefault();
      keys[event.key]();
    }
    if (event.key !== "Tab" && event.key !== "Escape") event.stopPropagation();
  });
  root.querySelector(".larger").addEventListener("click", () => zoomBy(STEP));
  root.querySelector(".smaller").addEventListener("click", () => zoomBy(1 / STEP));
  root.querySelector(".whole").addEventListener("click", reset);
  thumbs.forEach((thumb, number) => {
    // The small picture is the large one, so that it costs no bytes.
    thumb.querySelector("img").src = moments[number].querySelector(".over img").src;
    thumb.addEventListener("click", () => choose(number));
  });
  draw();
}
