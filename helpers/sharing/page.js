// The behaviour of a page to send: its comparison, and its films, which play in step.
// `startComparison` is put before this by page.py.
// Seconds apart: jump beyond FAR; change the speed beyond LOOSE, and until CLOSE. By trial: a speed
// that is changed with every frame makes the clock of some browsers stumble.
const FAR = 0.25, LOOSE = 0.012, CLOSE = 0.004;
const within = (value, low, high) => Math.min(Math.max(value, low), high);

// A data: address of a film cannot be seeked in on every phone; a blob can.
const load = (video, text) => {
  const bytes = Uint8Array.from(atob(text.trim()), letter => letter.charCodeAt(0));
  video.src = URL.createObjectURL(new Blob([bytes], {type: "video/mp4"}));
};
const once = (target, name) => new Promise(done => target.addEventListener(name, done, {once: true}));
const jump = (video, time) => {
  const done = once(video, "seeked");
  video.currentTime = time;
  return done;
};

const startFilms = root => {
  const find = name => root.querySelector(name);
  const list = name => [...root.querySelectorAll(name)];
  const before = find(".before video"), after = find(".after video"), both = [before, after];
  const screen = find(".screen"), line = find(".line"), scrubber = find(".scrubber");
  const play = find(".play");
  let playing = false, wanted = null, length = 0;
  let leads = after, follows = before;  // what is heard leads, so that nobody hears a correction

  // The one that follows runs a little faster or slower, or jumps.
  const follow = () => {
    if (follows.seeking) return;
    const late = leads.currentTime - follows.currentTime;
    const allowed = follows.playbackRate === 1 ? LOOSE : CLOSE;
    if (Math.abs(late) > FAR) follows.currentTime = leads.currentTime;
    else if (Math.abs(late) < allowed) follows.playbackRate = 1;
    else follows.playbackRate = 1 + Math.sign(late) * (Math.abs(late) > 0.05 ? 0.4 : 0.15);
  };
  const run = () => {
    if (!playing) return;
    follow();
    tell();
    requestAnimationFrame(run);
  };
  const tell = () => {
    if (wanted === null) scrubber.value = after.currentTime;
    const text = `${after.currentTime.toFixed(1)} of ${length.toFixed(1)} s`;
    find("output").textContent = text;
    scrubber.setAttribute("aria-valuetext", text);
  };
  const start = async () => {
    playing = true;
    play.textContent = "pause";
    try {
      await Promise.all(both.map(video => video.play()));
    } catch (error) {
      stop();  // it was stopped at once, or the browser wants another touch
    }
    requestAnimationFrame(run);
  };
  const stop = () => {
    playing = false;
    play.textContent = "play";
    both.forEach(video => video.pause());
  };
  const seek = async time => {
    const waits = wanted !== null;
    wanted = within(time, 0, length);
    if (waits) return;  // the seek that goes on will take the newest time
    const goes = playing;
    stop();
    for (let aim = null; aim !== wanted;) {
      aim = wanted;
      // A little later, so that no rounding shows the frame before in one of them.
      await Promise.all(both.map(video => jump(video, Math.min(aim + 0.002, length))));
    }
    wanted = null;
    tell();
    if (goes) start();
  };
  const again = () => { if (playing) seek(0); };
  const step = async () => {
    if (playing) {
      stop();
      return seek(leads.currentTime);  // both stand still at one moment, exactly
    }
    if (after.currentTime >= length - 0.05) await seek(0);
    else if (Math.abs(after.currentTime - before.currentTime) > CLOSE) await seek(after.currentTime);
    start();
  };
  const choose = (name, act) => list(`.${name} button`).forEach(button => {
    button.addEventListener("click", () => {
      list(`.${name} button`).forEach(one => one.setAttribute("aria-pressed", one === button));
      act(button.value);
    });
  });
  const divide = at => {
    line.value = at;
    screen.style.setProperty("--at", at + "%");
  };

  choose("view", value => screen.classList.toggle("split", value === "split"));
  choose("sound", value => {
    before.muted = value !== "before";
    after.muted = value !== "after";
    [leads, follows] = value === "before" ? [before, after] : [after, before];
    leads.playbackRate = 1;
  });
  play.addEventListener("click", step);
  scrubber.addEventListener("input", () => seek(+scrubber.value));
  both.forEach(video => video.addEventListener("ended", again));
  line.addEventListener("input", () => divide(+line.value));
  const drag = event => {
    const box = screen.getBoundingClientRect();
    divide(within((event.clientX - box.left) / box.width * 100, 0, 100));
  };
  screen.addEventListener("pointerdown", event => {
    if (event.button || !screen.classList.contains("split")) return;
    event.preventDefault();
    line.focus({preventScroll: true});
    screen.setPointerCapture(event.pointerId);
    drag(event);
  });
  screen.addEventListener("pointermove", event => {
    if (screen.hasPointerCapture(event.pointerId)) drag(event);
  });

  const ready = Promise.all(both.map(video => once(video, "loadeddata")));
  load(before, find("script[data-film=before]").textContent);
  load(after, find("script[data-film=after]").textContent);
  ready.then(() => {
    length = Math.min(before.duration, after.duration);
    scrubber.max = length;
    root.dataset.ready = "yes";
    find(".controls").hidden = false;
    tell();
  });
};

document.querySelectorAll(".silk-purse-comparison").forEach(startComparison);
document.querySelectorAll(".films").forEach(startFilms);
