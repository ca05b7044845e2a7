/** The bar on top: where one can go, and what holds for all pages. */
import { useSyncExternalStore } from 'react';
import { Icon } from '../ui/Icon';
import { Link } from '../ui/Link';
import { pages } from './pages';
import { setTheme, theme } from './theme';
import type { Theme } from './theme';
import { TokenButton } from './TokenButton';

const NEXT: Record<Theme, Theme> = { system: 'light', light: 'dark', dark: 'system' };

export function Bar({ current }: { current: string | undefined }) {
  const chosen = useSyncExternalStore(theme.follow, theme.get);
  return (
    <header className="bar">
      <Link to="/" className="brand" aria-label="Callboard, start" aria-current={current === '' ? 'page' : undefined}>
        <svg viewBox="0 0 16 16" width="22" height="22" aria-hidden="true">
          <rect x="1" y="2" width="14" height="12" rx="2.5" className="mark" />
          <path d="M4 6h8M4 9.5h5" className="mark-lines" />
        </svg>
        <span className="brand-name">Callboard</span>
      </Link>
      <nav aria-label="Pages" className="nav">
        {pages.map((page) => (
          <Link key={page.segment} to={`/${page.segment}`} className="nav-item" aria-current={current === page.segment ? 'page' : undefined}>
            <Icon name={page.icon} />
            {page.label}
          </Link>
        ))}
      </nav>
      <div className="bar-end">
        <TokenButton />
        <button
          type="button"
          className="icon-button"
          onClick={() => setTheme(NEXT[chosen])}
          aria-label={`Colours: ${chosen}. Change to ${NEXT[chosen]}.`}
          title={`Colours: ${chosen}`}
        >
          <Icon name={chosen} />
        </button>
      </div>
    </header>
  );
}
