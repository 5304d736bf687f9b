'use strict';
// The table of series can be filtered. It is complete without this, and sorted by what sorts all tables.
(() => {
  const table = document.querySelector('table.trends');
  if (!table) return;
  const make = (tag, attributes, ...children) => {
    const e = document.createElement(tag);
    for (const [k, v] of Object.entries(attributes)) e.setAttribute(k, v);
    e.append(...children);
    return e;
  };
  const rows = [...table.tBodies[0].rows].map((row) => ({row, words: row.textContent.toLowerCase()}));
  if (rows.length < 2) return;
  const shown = make('span', {role: 'status', class: 'quiet'});
  const words = make('input', {type: 'search', autocomplete: 'off', id: 'trend-words'});
  const choices = ['package', 'metric', 'state'].map((key) => {
    const different = [...new Set(rows.map(({row}) => row.dataset[key]))];
    if (key !== 'state') different.sort();
    const select = make('select', {id: 'trend-' + key}, make('option', {value: ''}, 'any'));
    different.forEach((v, i) => select.append(make('option', {value: String(i + 1)}, v === '' ? '(none)' : v.length > 60 ? v.slice(0, 30) + '…' + v.slice(-29) : v)));
    return {key, select, different};
  });
  const apply = () => {
    const word = words.value.trim().toLowerCase();
    let n = 0;
    for (const r of rows) {
      const fits = (word === '' || r.words.includes(word)) && choices.every((c) => c.select.value === '' || c.different[c.select.value - 1] === r.row.dataset[c.key]);
      r.row.hidden = !fits;
      if (fits) n++;
    }
    shown.textContent = n === rows.length ? '' : n + ' of ' + rows.length + ' series';
  };
  const control = (text, e) => make('span', {class: 'control'}, make('label', {for: e.id}, text), e);
  const controls = make('div', {class: 'controls'}, control('Find', words));
  words.addEventListener('input', apply);
  for (const c of choices) {
    if (c.different.length < 2) continue;
    c.select.addEventListener('change', apply);
    controls.append(control(c.key[0].toUpperCase() + c.key.slice(1), c.select));
  }
  controls.append(shown);
  table.closest('.scroll').before(controls);
})();
