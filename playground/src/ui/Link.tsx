/** A link to another page of the app, by the path below the server's root; and one that leads out of it. */
import type { AnchorHTMLAttributes, ReactNode } from 'react';
import { href, navigate, usePlace } from '../app/location';
import { safeHref } from './text';

type Anchor = Omit<AnchorHTMLAttributes<HTMLAnchorElement>, 'href'>;

export function Link({ to, onClick, children, ...rest }: Anchor & { to: string; children: ReactNode }) {
  // The address depends on the base, which never changes; following the place keeps `aria-current` of callers right.
  usePlace();
  return (
    <a
      {...rest}
      href={href(to)}
      onClick={(event) => {
        onClick?.(event);
        const isOurs = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
        if (event.defaultPrevented || !isOurs) return;
        event.preventDefault();
        navigate(to);
      }}
    >
      {children}
    </a>
  );
}

/** Leads where somebody wrote that it leads, if that is a place that a browser may go to; else it is only text. */
export function OutLink({ url, children, ...rest }: Anchor & { url: string | null | undefined; children: ReactNode }) {
  const safe = safeHref(url);
  if (safe === undefined) return <span className={rest.className}>{children}</span>;
  return (
    <a {...rest} href={safe} target="_blank" rel="noopener noreferrer">
      {children}
    </a>
  );
}
