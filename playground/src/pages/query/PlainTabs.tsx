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

export function PlainTabs() {
  useEffect(() => {
    makePlain();
    const header = document.querySelector('.graphiql-session-header');
    if (!header) return;
    const observer = new MutationObserver(makePlain);
    observer.observe(header, { subtree: true, childList: true, attributeFilter: ['role', 'aria-selected', 'class'] });
    return () => observer.disconnect();
  });
  return null;
}
