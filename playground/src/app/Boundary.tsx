/** Catches what a page throws, so that the navigation stays, and says what to do. */
import { Component } from 'react';
import type { ReactNode } from 'react';

interface State {
  readonly error: Error | undefined;
}

export class Boundary extends Component<{ children: ReactNode }, State> {
  override state: State = { error: undefined };

  static getDerivedStateFromError(error: unknown): State {
    return { error: error instanceof Error ? error : new Error(String(error)) };
  }

  override render(): ReactNode {
    const { error } = this.state;
    if (!error) return this.props.children;
    // A file of the app that is not there any more: a newer server serves newer ones.
    const isOld = /dynamically imported module|module script/i.test(error.message);
    return (
      <div className="message" role="alert">
        <h1>{isOld ? 'A part of the page could not be loaded' : 'This page has failed'}</h1>
        <p>
          {isOld
            ? 'The server is away, or it was replaced by another version while this page was open.'
            : 'The rest of Callboard still works. What happened:'}
        </p>
        {!isOld && <pre className="block">{error.message}</pre>}
        <p className="row">
          <button type="button" className="button" onClick={() => location.reload()}>
            Reload
          </button>
          {!isOld && (
            <button type="button" className="button quiet" onClick={() => this.setState({ error: undefined })}>
              Try again
            </button>
          )}
        </p>
      </div>
    );
  }
}
