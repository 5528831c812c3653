// What a player sees of a page: every visible control and text, in document order, each with a number that it keeps.
// Run as a function body; returns {utterance, done, reward, elements: [...]},
// or null where a link has led away from the task.
if (typeof core === 'undefined') return null;
const HIDDEN = new Set(['reward-display', 'sync-task-cover', 'click-canvas', 'query']);
const CONTROLS = new Set(['a', 'button', 'input', 'select', 'textarea', 'summary']);
const ROLES = new Set(['button', 'checkbox', 'combobox', 'link', 'menuitem', 'option', 'radio', 'slider', 'spinbutton',
  'switch', 'tab', 'textbox', 'treeitem']);
const PICTURES = new Set(['img', 'canvas']);
const refs = (window.cornermanRefs = window.cornermanRefs || {numbers: new WeakMap(), elements: [null]});

function number(element) {
  if (!refs.numbers.has(element)) {
    refs.numbers.set(element, refs.elements.length);
    refs.elements.push(element);
  }
  return refs.numbers.get(element);
}

function words(text) {
  return (text || '').replace(/\s+/g, ' ').trim();
}

function ownText(element) {
  return words([...element.childNodes].filter((node) => node instanceof Text).map((node) => node.data).join(' '));
}

// Whether an element without words can be seen at all.
function painted(element, tag, style) {
  return element instanceof SVGElement ? tag !== 'svg' && tag !== 'g'
    : PICTURES.has(tag) || style.backgroundColor !== 'rgba(0, 0, 0, 0)' || style.backgroundImage !== 'none';
}

function describe(element, style, rect, pressable) {
  const tag = element.tagName.toLowerCase();
  const control = CONTROLS.has(tag) || ROLES.has(element.getAttribute('role'));
  const leaf = element.childElementCount === 0;
  const text = ownText(element) || (control && tag !== 'select' ? words(element.textContent) : '');
  if (!control && !text && !(leaf && (pressable || painted(element, tag, style)))) return null;
  const seen = {
    ref: number(element),
    tag: tag === 'input' ? 'input ' + element.type : tag,
    role: ROLES.has(element.getAttribute('role')) ? element.getAttribute('role') : '',
    text: text || words(element.getAttribute('aria-label') || element.title || element.alt || element.placeholder || ''),
    control: control || pressable || style.cursor === 'pointer',
    focused: document.activeElement === element && element !== document.body,
    disabled: Boolean(element.disabled),
    value: null, checked: null, options: null, look: '',
  };
  if (element instanceof HTMLInputElement && (element.type === 'checkbox' || element.type === 'radio')) {
    seen.checked = element.checked;
    const label = element.labels && element.labels[0];
    seen.text = seen.text || words(label ? label.textContent : element.nextSibling && element.nextSibling.textContent);
  } else if (element instanceof HTMLInputElement || element instanceof HTMLTextAreaElement) {
    seen.value = element.value;
  } else if (element instanceof HTMLSelectElement) {
    seen.value = [...element.selectedOptions].map((option) => words(option.text)).join(', ');
    seen.options = [...element.options].map((option) => words(option.text));
  } else if (leaf && !text) {
    const colour = element instanceof SVGElement ? style.fill : style.backgroundColor;
    const at = [rect.left, rect.top, rect.width, rect.height].map(Math.round);
    seen.look = `${colour === 'rgba(0, 0, 0, 0)' ? '' : colour + ' '}at ${at[0]},${at[1]} size ${at[2]}x${at[3]}`;
    const name = words(element.getAttribute('class'));
    if (name) seen.look += ` class ${name}`;
  }
  return seen;
}

// `pressable`: a click here is heard by the element or one around it; what the page itself hears does not count.
function walk(element, found, pressable) {
  if (HIDDEN.has(element.id) || element.tagName === 'SCRIPT' || element.tagName === 'STYLE') return;
  const style = getComputedStyle(element);
  const rect = element.getBoundingClientRect();
  if (style.display === 'none') return;
  const listens = window.cornermanListening.has(element) && element.id !== 'area' && element.id !== 'wrap';
  pressable = pressable || listens || element.hasAttribute('onclick');
  if (rect.width > 0 && rect.height > 0 && style.visibility !== 'hidden') {
    const seen = describe(element, style, rect, pressable);
    if (seen) found.push(seen);
  }
  if (element.tagName === 'SELECT') return;
  for (const child of element.children) walk(child, found, pressable);
}

const found = [];
for (const child of document.body.children) walk(child, found, false);
return {
  utterance: core.getUtterance().utterance || core.getUtterance(),
  done: WOB_DONE_GLOBAL,
  reward: WOB_RAW_REWARD_GLOBAL,
  elements: found,
};
