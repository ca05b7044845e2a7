/**
 * GraphiQL calls the items of its row of queries tabs, and puts two buttons into each: one that chooses, one that closes.
 * Tabs may hold no buttons, and who hears the page would not find the second. So they are what they are: a list of buttons, one of which is current.
 */
import { useEffect } from 'react';

function makePlain(): void {
  const list = document.querySelector('.graphiql-tabs');
  if (!list) return;
  list.removeAttribute('role');
  for (const item of list.querySelectorAll(':scope > .graphiql-tab')) {
    const isCurrent = item.classList.contains('graphiql-tab-active');
    for (const name of ['role', 'aria-selected', 'tabindex']) item.removeAttribute(name);
    const choose = item.querySelector('button');
    if (isCurrent) choose?.setAttribute('aria-current', 'true');
    else choose?.removeAttribute('aria-current');
  }
  const session = document.querySelector('#graphiql-session');
  session?.setAttribute('role', 'group');
}

const ROWS = '.graphiql-explorer-root :is([data-field-name], [data-arg-name] > span:first-child)';

/** What the explorer makes its rows of answers to a mouse alone. */
function press(event: Event): void {
  if (!(event instanceof KeyboardEvent) || !(event.target instanceof HTMLElement) || !event.target.matches(ROWS)) return;
  if (event.key !== 'Enter' && event.key !== ' ') return;
  event.preventDefault();
  event.target.click();
}

/** Fields of the explorer are named by the argument before them; an entry of the history by what stands on it. */
function name(): void {
  for (const row of document.querySelectorAll(ROWS)) {
    if (row.hasAttribute('tabindex')) continue;
    row.setAttribute('tabindex', '0');
    row.setAttribute('role', 'button');
  }
  for (const field of document.querySelectorAll<HTMLElement>('.graphiql-explorer-root :is(input, select)')) {
    if (field.hasAttribute('aria-label')) continue;
    const before = field.closest('[data-arg-name]')?.getAttribute('data-arg-name');
    field.setAttribute('aria-label', before ?? (field.tagName === 'SELECT' ? 'What to add' : 'Name of the operation'));
  }
  for (const entry of document.querySelectorAll('.graphiql-history-item-label[aria-label]')) entry.removeAttribute('aria-label');
}

export function PlainTabs() {
  useEffect(() => {
    makePlain();
    const header = document.querySelector('.graphiql-session-header');
    if (!header) return;
    const observer = new MutationObserver(makePlain);
    observer.observe(header, { subtree: true, childList: true, attributeFilter: ['role', 'aria-selected', 'class'] });
    return () => observer.disconnect();
  });
  useEffect(() => {
    const main = document.querySelector('.graphiql-container');
    if (!main) return;
    name();
    const observer = new MutationObserver(name);
    observer.observe(main, { subtree: true, childList: true });
    main.addEventListener('keydown', press);
    return () => {
      observer.disconnect();
      main.removeEventListener('keydown', press);
    };
  }, []);
  return null;
}
