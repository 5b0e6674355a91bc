import { renewCertificate } from '../../api.ts';
import { useAction, useCanChange } from '../../hooks.ts';
import { type CertificateView, type Order, type OrderKey, orders, statusOf } from '../../lib/certificates.ts';
import { utc } from '../../lib/format.ts';
import { Refusal } from '../../parts/notes.tsx';
import { Scrolled } from '../../parts/scrolled.tsx';
import { Lamp } from '../../parts/signal.tsx';
import { Ago } from '../../parts/time.tsx';

interface TableProps {
  readonly certificates: readonly CertificateView[];
  readonly order: Order;
  readonly onOrder: (key: OrderKey) => void;
  /** After a renewal was requested. */
  readonly onRenewal: () => void;
}

export function CertificateTable({ certificates, order, onOrder, onRenewal }: TableProps) {
  return (
    <Scrolled label="All certificates">
      <table class="certificates">
        <thead>
          <tr>
            {(Object.keys(orders) as OrderKey[]).map((key) => (
              <th key={key} scope="col" aria-sort={key === order.key ? sortOf(order) : undefined}>
                <button type="button" class="sort" onClick={() => onOrder(key)}>
                  {orders[key]}
                  <span aria-hidden="true">{key !== order.key ? '' : order.isDescending ? ' ↓' : ' ↑'}</span>
                </button>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {certificates.map((certificate) => (
            <Row
              key={`${certificate.source} ${certificate.issuer} ${certificate.name}`}
              certificate={certificate}
              onRenewal={onRenewal}
            />
          ))}
        </tbody>
      </table>
    </Scrolled>
  );
}

interface RowProps extends Pick<TableProps, 'onRenewal'> {
  readonly certificate: CertificateView;
}

function sortOf({ isDescending }: Order) {
  return isDescending ? 'descending' : 'ascending';
}

function Row({ certificate, onRenewal }: RowProps) {
  const { hosts, services, secret, names, issuer, notAfter } = certificate;
  return (
    <tr>
      <th scope="row" class="certificate-hosts">
        {hosts.length === 0 ? <span class="muted">No host</span> : <Few texts={hosts} />}
        {services.length === 0 ? null : (
          <p class="muted small">
            <span class="for-ears">Used by </span>
            <Few texts={services} />
          </p>
        )}
      </th>
      <td class="certificate-secret">
        {secret === null ? <span class="muted">None</span> : <code>{secret}</code>}
        {names.length === 0 || names.join() === hosts.join() ? null : (
          <p class="muted small">
            for <Few texts={names} />
          </p>
        )}
      </td>
      <td class="certificate-issuer">
        {issuer === null || issuer === '' ? <span class="muted">Unknown</span> : issuer}
      </td>
      <td class="certificate-time">{notAfter === null ? <span class="muted">–</span> : <Time at={notAfter} />}</td>
      <td class="certificate-time">
        <NextOrder certificate={certificate} />
        {certificate.source === 'acme' ? <RenewNow certificate={certificate} onRenewal={onRenewal} /> : null}
      </td>
      <td class="certificate-status">
        <State certificate={certificate} />
      </td>
    </tr>
  );
}

function Time({ at }: { readonly at: string }) {
  return (
    <>
      <Ago at={at} />
      <p class="muted small" title={utc(at)}>
        {utc(at).slice(0, 10)}
      </p>
    </>
  );
}

function NextOrder({ certificate: { source, isOrdering, nextAt } }: { readonly certificate: CertificateView }) {
  if (source === 'secret')
    return (
      <span class="muted">
        <span aria-hidden="true">–</span>
        <span class="for-ears">Not automatic</span>
      </span>
    );
  if (isOrdering) return <>Under way</>;
  return nextAt === null ? <>In the queue</> : <Time at={nextAt} />;
}

/** The controller rejects what the CA or a budget does not allow. */
function RenewNow({ certificate: { name, isOrdering, nextAt }, onRenewal }: RowProps) {
  const canChange = useCanChange();
  const action = useAction();
  // Ordered anyway.
  if (!canChange || isOrdering || nextAt === null) return null;
  const renew = async () => {
    if (await action.run(() => renewCertificate(name))) onRenewal();
  };
  return (
    <>
      <button
        type="button"
        class="button button-small"
        aria-label={`Renew now: ${name}`}
        disabled={action.busy}
        onClick={() => void renew()}
      >
        Renew now
      </button>
      <Refusal reason={action.refusal} />
    </>
  );
}

function State({ certificate }: { readonly certificate: CertificateView }) {
  const { aspect, title } = statusOf(certificate);
  const { reason, remedy, notes } = certificate;
  return (
    <>
      <p>
        <Lamp aspect={aspect} /> {title}
      </p>
      <Reason reason={reason} remedy={remedy} />
      {notes.map((note) => (
        <Reason key={note.reason} {...note} />
      ))}
    </>
  );
}

function Reason({ reason, remedy }: Pick<CertificateView, 'reason' | 'remedy'>) {
  return (
    <>
      {reason === null ? null : <p class="small">{reason}</p>}
      {remedy === null ? null : (
        <p class="muted small">
          <span aria-hidden="true">→ </span>
          <span class="for-ears">Fix: </span>
          {remedy}
        </p>
      )}
    </>
  );
}

const FEW = 3;

/** The first texts, and the others on request. */
function Few({ texts }: { readonly texts: readonly string[] }) {
  const first = texts.slice(0, FEW).join(', ');
  if (texts.length <= FEW) return <>{first}</>;
  return (
    <>
      {first}
      <details>
        <summary class="small">and {texts.length - FEW} more</summary>
        {texts.slice(FEW).join(', ')}
      </details>
    </>
  );
}
