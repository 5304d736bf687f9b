'use strict';
// What a page can do beyond what stands in it: nothing here is needed to read it.
(() => {
  const make = (tag, attributes, ...children) => {
    const e = document.createElement(tag);
    for (const [k, v] of Object.entries(attributes || {})) e.setAttribute(k, v);
    e.append(...children);
    return e;
  };
  let ids = 0;
  const labelled = (text, control) => {
    control.id = 'control' + ++ids;
    return make('span', {class: 'control'}, make('label', {for: control.id}, text), control);
  };
  const choice = (words) => make('select', {}, ...words.map(([value, text]) => {
    const o = make('option', {value});
    o.textContent = text;
    return o;
  }));

  // Flame graphs: a click, or Enter, widens a frame to the whole; the arrow keys walk; a search marks.
  for (const graph of document.querySelectorAll('.flame')) {
    const boxes = [...graph.children].map((e) => ({
      e, left: parseFloat(e.style.left), width: parseFloat(e.style.width), row: Math.round(parseFloat(e.style.top) / 1.35), words: e.textContent.toLowerCase(),
    }));
    if (!boxes.length) continue;
    const slack = 0.002;
    const holds = (a, b) => a.left <= b.left + slack && a.left + a.width >= b.left + b.width - slack;
    const back = make('button', {type: 'button', disabled: ''}, 'Show all');
    const zoom = (to) => {
      for (const b of boxes) {
        const below = to && b.row >= to.row && holds(to, b), above = to && b.row < to.row && holds(b, to);
        b.e.hidden = Boolean(to) && !below && !above;
        b.e.style.left = (below ? (b.left - to.left) / to.width * 100 : above ? 0 : b.left) + '%';
        b.e.style.width = (below ? b.width / to.width * 100 : above ? 100 : b.width) + '%';
      }
      graph.dataset.zoomed = to ? to.e.textContent : '';
      back.disabled = !to;
    };
    back.addEventListener('click', () => zoom(null));
    const focus = (to) => {
      if (!to) return;
      for (const b of boxes) b.e.tabIndex = b === to ? 0 : -1;
      to.e.focus();
    };
    boxes.forEach((b, i) => {
      b.e.tabIndex = i ? -1 : 0;
      b.e.addEventListener('click', () => zoom(b.width > 99.99 ? null : b));
      b.e.addEventListener('keydown', (event) => {
        const seen = boxes.filter((x) => !x.e.hidden), row = seen.filter((x) => x.row === b.row).sort((x, y) => x.left - y.left);
        const at = row.indexOf(b);
        const next = {
          ArrowDown: () => seen.find((x) => x.row === b.row + 1 && holds(b, x)),
          ArrowUp: () => seen.find((x) => x.row === b.row - 1 && holds(x, b)),
          ArrowLeft: () => row[at - 1], ArrowRight: () => row[at + 1], Home: () => boxes[0],
        }[event.key];
        if (event.key === 'Escape') zoom(null);
        if (!next) return;
        event.preventDefault();
        focus(next());
      });
    });
    const search = make('input', {type: 'search', autocomplete: 'off'}), found = make('span', {role: 'status', class: 'quiet'});
    search.addEventListener('input', () => {
      const word = search.value.trim().toLowerCase();
      let n = 0;
      for (const b of boxes) {
        const hit = word !== '' && b.words.includes(word);
        b.e.classList.toggle('hit', hit);
        if (hit) n++;
      }
      found.textContent = word === '' ? '' : n === 1 ? '1 frame' : n + ' frames';
    });
    graph.before(make('div', {class: 'controls'}, labelled('Find a function', search), back, found));
  }

  // Tables: the heads sort, and long ones can be filtered.
  const valueOf = (row, i) => {
    const cell = row.cells[i];
    return cell ? cell.dataset.value ?? cell.textContent.trim() : '';
  };
  // A number may have a unit or a note behind it; a date is none.
  const number = (s) => Number(/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?(?![\d.:-])/.exec(s.replace('\u2212', '-'))?.[0] ?? NaN);
  const compare = (a, b) => {
    const x = number(a), y = number(b);
    if (!Number.isNaN(x) && !Number.isNaN(y)) return x - y;
    if (Number.isNaN(x) !== Number.isNaN(y)) return Number.isNaN(x) ? 1 : -1;
    return a.localeCompare(b);
  };
  for (const table of document.querySelectorAll('table.sortable')) {
    // A row and what is said of it stay together.
    const groups = () => {
      const out = [];
      for (const row of table.querySelectorAll('tbody > tr')) {
        if (row.classList.contains('more')) out.at(-1).push(row); else out.push([row]);
      }
      return out;
    };
    if (groups().length < 2) continue;
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, i) => {
      if (head.dataset.fixed !== undefined) return;
      const button = make('button', {type: 'button', class: 'sort'});
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener('click', () => {
        const down = head.getAttribute('aria-sort') === 'ascending';
        for (const h of heads) h.removeAttribute('aria-sort');
        head.setAttribute('aria-sort', down ? 'descending' : 'ascending');
        const keyed = groups().map((group) => [valueOf(group[0], i), group]);
        keyed.sort(([a], [b]) => (a === '') !== (b === '') ? (a === '' ? 1 : -1) : (down ? -1 : 1) * compare(a, b)); // without a value: last
        const body = make('tbody');
        body.append(...keyed.flatMap(([, group]) => group));
        for (const old of [...table.tBodies]) old.remove();
        table.append(body);
      });
    });
    if (groups().length < 9 || table.dataset.filtered !== undefined) continue; // or a script of its own does it
    const words = make('input', {type: 'search', autocomplete: 'off'}), shown = make('span', {role: 'status', class: 'quiet'});
    const verdicts = [...new Set(groups().map((g) => g[0].dataset.verdict).filter(Boolean))].sort();
    const verdict = choice([['', 'any'], ...verdicts.map((v) => [v, v])]);
    const filter = () => {
      const word = words.value.trim().toLowerCase();
      let n = 0, all = 0;
      for (const group of groups()) {
        const fits = (word === '' || group[0].textContent.toLowerCase().includes(word)) && (verdict.value === '' || group[0].dataset.verdict === verdict.value);
        for (const row of group) row.hidden = !fits;
        all++;
        if (fits) n++;
      }
      shown.textContent = n === all ? '' : n + ' of ' + all;
    };
    words.addEventListener('input', filter);
    verdict.addEventListener('change', filter);
    const controls = make('div', {class: 'controls'}, labelled('Find', words));
    if (verdicts.length > 1) controls.append(labelled('Verdict', verdict));
    controls.append(shown);
    (table.closest('.scroll') || table).before(controls);
  }

  // The index: which runs are shown, and two of them side by side.
  const runs = document.querySelector('.runs');
  const data = document.getElementById('runs-data');
  if (runs && data) {
    const items = [...runs.children].filter((e) => e.dataset.run !== undefined);
    const all = JSON.parse(data.textContent);
    const different = (key) => [...new Set(all.map((r) => r[key]))].sort();
    const filters = [['Scenario', 'scenario'], ['Machine', 'machine']].map(([text, key]) => ({text, key, e: choice([['', 'any'], ...different(key).map((v) => [v, v])])}));
    const verdict = choice([['', 'any'], ['better', 'better'], ['worse', 'worse'], ['same', 'same'], ['undecided', 'undecided']]);
    const shown = make('span', {role: 'status', class: 'quiet'});
    const apply = () => {
      let n = 0;
      items.forEach((item) => {
        const r = all[item.dataset.run];
        const fits = filters.every((f) => f.e.value === '' || r[f.key] === f.e.value) && (verdict.value === '' || r.verdicts.includes(verdict.value));
        item.hidden = !fits;
        if (fits) n++;
      });
      shown.textContent = n + ' of ' + items.length + ' runs';
    };
    const controls = make('div', {class: 'controls'});
    for (const f of filters) {
      f.e.addEventListener('change', apply);
      controls.append(labelled(f.text, f.e));
    }
    verdict.addEventListener('change', apply);
    controls.append(labelled('With a verdict', verdict), shown);
    runs.before(controls);

    const place = make('section', {'aria-live': 'polite'});
    runs.before(place);
    const chosen = () => items.filter((i) => i.querySelector('input[type=checkbox]')?.checked).map((i) => all[i.dataset.run]);
    const draw = () => {
      place.replaceChildren();
      const picked = chosen();
      if (picked.length === 0) return;
      if (picked.length !== 2) {
        place.append(make('p', {class: 'quiet'}, picked.length === 1 ? 'One run is chosen: choose another of the same scenario to compare them.' : 'Two runs can be compared: ' + picked.length + ' are chosen.'));
        return;
      }
      const [b, a] = picked; // the newer stands first
      if (a.scenario !== b.scenario) {
        place.append(make('p', {}, 'These are of different scenarios, ' + a.scenario + ' and ' + b.scenario + ': there is nothing to compare.'));
        return;
      }
      const rows = new Map();
      for (const [side, r] of [[0, a], [1, b]]) {
        for (const c of r.comparisons) {
          const key = c.slice(0, 3).join('\u0000');
          if (!rows.has(key)) rows.set(key, {names: c.slice(0, 3), sides: [null, null]});
          rows.get(key).sides[side] = c;
        }
      }
      const cell = (c) => make('td', {}, c ? c[3] + ', ' + c[4] : '–');
      const body = make('tbody');
      let differ = 0;
      for (const {names, sides} of rows.values()) {
        const other = !sides[0] || !sides[1] || sides[0][3] !== sides[1][3];
        if (other) differ++;
        body.append(make('tr', other ? {class: 'differs'} : {}, make('th', {scope: 'row', class: 'name'}, names[0]), make('td', {class: 'name'}, names[1]), make('td', {class: 'name'}, names[2]),
          cell(sides[0]), cell(sides[1]), make('td', {}, other ? 'differs' : '')));
      }
      const heads = ['case', 'metric', 'variant vs base', a.name, b.name, 'verdicts'].map((t) => make('th', {scope: 'col', class: 'name'}, t));
      place.append(make('h2', {}, 'Two runs of ' + a.scenario),
        make('p', {}, differ + ' of ' + rows.size + ' verdicts differ. Only changes against the base are compared: the runs did not have the same minutes, so that their times can’t be.'),
        ...(a.machine === b.machine ? [] : [make('p', {}, 'They are of two machines: ' + a.machine + '; ' + b.machine + '.')]),
        make('div', {class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Two runs side by side'}, make('table', {}, make('thead', {}, make('tr', {}, ...heads)), body)));
    };
    for (const item of items) {
      const box = make('input', {type: 'checkbox'});
      box.addEventListener('change', draw);
      item.append(labelled('Compare', box));
    }
  }

  for (const e of document.querySelectorAll('[data-needs-script]')) e.hidden = false;
  document.documentElement.dataset.ready = '1';
})();
