/** The rest of what its descriptor says: the fields of its kind, links, labels, annotations. */
import { useQuery } from '../../../data/useQuery';
import { Ago } from '../../../ui/Ago';
import { Card } from '../../../ui/Card';
import { EntityLink } from '../../../ui/EntityLink';
import { Icon } from '../../../ui/Icon';
import { OutLink } from '../../../ui/Link';
import { words } from '../../../ui/refs';
import { Errors } from '../../../ui/states';
import { count, plain, safeHref } from '../../../ui/text';
import { useFew } from '../../../ui/useFew';
import { EntityPage as EntityDocument } from '../../../gen/documents';
import type { Found } from './EntityPage';
import { TYPE_FIELDS, asObjects, asRefs, asText, ownOf } from './own';
import type { Own, OwnField } from './own';

const FEW = 12;
const FEW_LINKS = 12;
const FEW_PAIRS = 40;
const EMAIL = /^[^\s@]{1,64}@[^\s@]+\.[^\s@]+$/;

export function Details({ entity }: { entity: Found }) {
  const { ref, links, labels, annotations, createdAt, updatedAt } = entity;
  const few = useFew(links, FEW_LINKS, 'links');
  const type = useQuery(TYPE_FIELDS, { name: entity.__typename });
  const own = type.answer && ownOf(type.answer.data);
  return (
    <>
      {own && <OwnFields own={own} of={ref} />}
      <Card title="Links and labels" query={{ document: EntityDocument, variables: { ref } }}>
        {links.length > 0 && (
          <ul className="links">
            {few.shown.map((link, index) => (
              <li key={index}>
                <Icon name={safeHref(link.url) === undefined ? 'close' : 'out'} />
                <span className="break">
                  <OutLink url={link.url}>{plain(link.title ?? link.url, 120)}</OutLink>{' '}
                  {link.type !== null && <span className="soft small">{plain(link.type, 40)}</span>}
                  {safeHref(link.url) === undefined && <span className="warn small"> not a link that a browser may follow</span>}
                </span>
              </li>
            ))}
            {few.more !== null && <li>{few.more}</li>}
          </ul>
        )}
        <div className="card-body">
          <dl className="facts">
            <div>
              <dt>First seen</dt>
              <dd>
                <Ago at={createdAt} />
              </dd>
            </div>
            <div>
              <dt>Changed</dt>
              <dd>
                <Ago at={updatedAt} />
              </dd>
            </div>
          </dl>
          <KeyValues title="Labels" all={labels} />
          <KeyValues title="Annotations" all={annotations} />
        </div>
      </Card>
    </>
  );
}

function KeyValues({ title, all }: { title: string; all: readonly { readonly key: string; readonly value: string }[] }) {
  const few = useFew(all, FEW_PAIRS, title.toLowerCase());
  if (all.length === 0) return null;
  return (
    <details className="more">
      <summary>
        {title} <span className="soft">({all.length})</span>
      </summary>
      <dl className="pairs">
        {few.shown.map(({ key, value }) => (
          <div key={key}>
            <dt className="break">
              <code>{plain(key, 120)}</code>
            </dt>
            <dd className="break">{plain(value, 400)}</dd>
          </div>
        ))}
      </dl>
      {few.more}
    </details>
  );
}

function OwnFields({ own, of }: { own: Own; of: string }) {
  const variables = { ref: of };
  const query = useQuery(own.document, variables);
  const values = query.answer?.data.entity;
  if (!query.answer || !values) return null;
  const shown = own.fields.map((field) => ({ field, node: <OwnValue field={field} value={values[field.name]} />, has: hasValue(field, values[field.name]) })).filter(({ has }) => has);
  if (shown.length === 0 && query.answer.errors.length === 0) return null;
  return (
    <Card title="Details" query={{ document: own.document, variables }}>
      <dl className="pairs card-body">
        {shown.map(({ field, node }) => (
          <div key={field.name}>
            <dt title={field.description === undefined ? undefined : plain(field.description, 300)}>{capital(words(field.name))}</dt>
            <dd className="break">{node}</dd>
          </div>
        ))}
      </dl>
      <Errors errors={query.answer.errors} />
    </Card>
  );
}

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

function hasValue({ shape }: OwnField, value: unknown): boolean {
  switch (shape.is) {
    case 'value':
      return asText(value) !== undefined;
    case 'entity':
      return asRefs(value).length > 0;
    case 'object':
      return asObjects(value, shape.fields).length > 0;
  }
}

function OwnValue({ field: { shape }, value }: { field: OwnField; value: unknown }) {
  switch (shape.is) {
    case 'value':
      return <Value of={value} />;
    case 'entity':
      return (
        <span className="dots">
          {asRefs(value).slice(0, FEW).map((one) => (
            <EntityLink key={one.ref} of={one} />
          ))}
        </span>
      );
    case 'object': {
      const objects = asObjects(value, shape.fields);
      return (
        <ul className="objects">
          {objects.slice(0, FEW).map((entries, index) => (
            <li key={index}>
              {entries.map(([name, text]) => (
                <span key={name} className="object-entry">
                  <span className="soft small">{words(name)}</span> <Value of={text} />
                </span>
              ))}
            </li>
          ))}
          {objects.length > FEW && <li className="soft small">and {objects.length - FEW} more</li>}
        </ul>
      );
    }
  }
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}

function Value({ of }: { of: unknown }) {
  const isList = Array.isArray(of);
  if (isList ? of.some(isObject) : isObject(of)) {
    const code = <pre className="block small descriptor" tabIndex={0}>{plain(JSON.stringify(of, null, 2), 4000)}</pre>;
    return isList ? (
      <details className="more">
        <summary>{count(of.length, 'part')}</summary>
        {code}
      </details>
    ) : (
      code
    );
  }
  const text = asText(of) ?? '';
  if (/^[[{]/.test(text)) return <code className="small">{plain(text, 240)}</code>;
  const url = EMAIL.test(text) ? `mailto:${encodeURIComponent(text).replaceAll('%40', '@')}` : text;
  return safeHref(url) === undefined ? <>{plain(text, 400)}</> : <OutLink url={url}>{plain(text, 200)}</OutLink>;
}
