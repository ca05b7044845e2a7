/** What stands where something should be: it is on its way, there is none, or it cannot be had. */
import type { ReactNode } from 'react';
import { openToken } from '../app/TokenButton';
import type { Fault, GraphError } from '../data/client';
import type { Query } from '../data/useQuery';
import { Icon } from './Icon';
import { plain } from './text';

/** Appears after a moment: what comes at once needs no announcement. */
export function Loading({ what }: { what: string }) {
  return (
    <p className="loading" role="status">
      <span className="spinner" aria-hidden="true" />
      Loading {what} …
    </p>
  );
}

export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className="empty">
      <p className="empty-title">{title}</p>
      {children}
    </div>
  );
}

/** Why there is no answer, and what to do about it. */
export function FaultNotice({ fault, again }: { fault: Fault; again?: () => void }) {
  switch (fault.kind) {
    case 'gone':
      return (
        <Notice title="The server does not answer">
          <p>It is asked again by itself, and the page goes on when it is back.</p>
        </Notice>
      );
    case 'starting':
      return (
        <Notice title="The server is not ready yet">
          <p>It loads the catalog; the page goes on by itself.</p>
        </Notice>
      );
    case 'unauthorized':
      return (
        <Notice title="The server wants to know who you are">
          <p>Your token is missing, has expired, or does not allow this.</p>
          <button type="button" className="button" onClick={openToken}>
            Set a token
          </button>
        </Notice>
      );
    case 'refused':
      return (
        <Notice title="The server refused the query">
          <p>{plain(fault.message, 600)}</p>
          <p className="soft small">
            <code>{plain(fault.code)}</code>
            {fault.requestId !== undefined && (
              <>
                {' '}
                · request <code>{plain(fault.requestId)}</code>
              </>
            )}
          </p>
          {again && (
            <button type="button" className="button quiet" onClick={again}>
              Ask again
            </button>
          )}
        </Notice>
      );
  }
}

export function Notice({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className="notice" role="alert">
      <Icon name="alert" />
      <div>
        <p className="notice-title">{title}</p>
        {children}
      </div>
    </div>
  );
}

/** Errors beside data: what is missing, in the words of the server. */
export function Errors({ errors }: { errors: readonly GraphError[] }) {
  if (errors.length === 0) return null;
  return (
    <ul className="errors">
      {errors.slice(0, 5).map((error, index) => (
        <li key={index}>
          {error.path && <code className="break">{plain(error.path.join('.'))}</code>} {plain(error.message, 400)}
        </li>
      ))}
      {errors.length > 5 && <li className="soft">and {errors.length - 5} more</li>}
    </ul>
  );
}

/** The data of a query, or why there is none: what every page has around what it shows. */
export function Shown<Data>({ query, what, children }: { query: Query<Data>; what: string; children: (data: Data) => ReactNode }) {
  if (query.answer === undefined) {
    if (query.fault) return <FaultNotice fault={query.fault} again={query.again} />;
    return <Loading what={what} />;
  }
  return (
    <>
      {/* The frame says that the server is away; the last answer stays. */}
      {query.fault && query.fault.kind !== 'gone' && query.fault.kind !== 'starting' && <FaultNotice fault={query.fault} again={query.again} />}
      {children(query.answer.data)}
      <Errors errors={query.answer.errors} />
    </>
  );
}
