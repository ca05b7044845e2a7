/** Goes on to the next page of a list by its cursor, and back by those that it came by. */

interface Props {
  /** The cursors that led here, the last one to this page. */
  readonly after: readonly string[];
  readonly onAfter: (after: readonly string[]) => void;
  readonly next: string | null;
  readonly what: string;
}

export function Pager({ after, onAfter, next, what }: Props) {
  if (after.length === 0 && next === null) return null;
  return (
    <div className="card-pager">
      <button type="button" className="button quiet button-small" disabled={after.length === 0} onClick={() => onAfter(after.slice(0, -1))}>
        Previous
      </button>
      <span className="soft small" role="status">
        {what}
      </span>
      <button type="button" className="button quiet button-small" disabled={next === null} onClick={() => next !== null && onAfter([...after, next])}>
        Next
      </button>
    </div>
  );
}
