/** The frame around every page: navigation, what is wrong with the server, and the page itself. */
import { Suspense, useEffect, useRef } from 'react';
import { Link } from '../ui/Link';
import { Loading } from '../ui/states';
import { Bar } from './Bar';
import { Boundary } from './Boundary';
import { Connection } from './Connection';
import { segments, usePlace } from './location';
import { pageOf } from './pages';

export function App() {
  const { path } = usePlace();
  const [first, ...rest] = segments(path);
  const page = pageOf(first);
  const main = useRef<HTMLElement>(null);
  const shown = useRef(path);

  useEffect(() => {
    document.title = page && page.segment !== '' ? `${page.label} · Callboard` : 'Callboard';
    // Who comes by a link within the app goes on reading at the page, not at the navigation.
    if (shown.current !== path) main.current?.focus({ preventScroll: true });
    shown.current = path;
  }, [page, path]);

  return (
    <div className={page?.fills ? 'frame frame-fills' : 'frame'}>
      <a
        className="skip"
        href="#main"
        onClick={(event) => {
          event.preventDefault();
          main.current?.focus();
        }}
      >
        Skip to the page
      </a>
      <Bar current={page?.segment} />
      <Connection />
      <main id="main" tabIndex={-1} ref={main} className={page?.fills ? 'main-fills' : 'main'}>
        <Boundary key={first ?? ''}>
          <Suspense fallback={<Loading what="the page" />}>{page ? <page.component rest={rest} /> : <Nowhere path={path} />}</Suspense>
        </Boundary>
      </main>
    </div>
  );
}

function Nowhere({ path }: { path: string }) {
  return (
    <div className="message">
      <h1>Nothing is here</h1>
      <p>
        Callboard has no page at <code className="break">{path}</code>.
      </p>
      <p>
        <Link to="/">Go to the start</Link>
      </p>
    </div>
  );
}
