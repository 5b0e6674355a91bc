import { useEffect, useState } from 'preact/hooks';
import { listCertificates } from '../api.ts';
import {
  type CertificateView,
  matchesCertificate,
  parseOrder,
  sortCertificates,
  toggled,
} from '../lib/certificates.ts';
import { count } from '../lib/format.ts';
import type { Place } from '../lib/place.ts';
import { replaceQuery } from '../location.ts';
import { Filter } from '../parts/filter.tsx';
import { More } from '../parts/more.tsx';
import { Empty, Failure, Loading } from '../parts/notes.tsx';
import { CertificateTable } from './certificates/certificate-table.tsx';

/** Rows shown at a time. More make the page slow. */
const PAGE = 200;

/** Certificates of hosts: ordered ones, and those in secrets. */
export function Certificates({ place }: { readonly place: Place }) {
  const { all, failure, reload } = useCertificates();
  const [pages, setPages] = useState(1);
  const { filter = '', sort = '' } = place.query;
  const order = parseOrder(sort);
  if (all === undefined)
    return failure === undefined ? <Loading what="the certificates" rows={5} /> : <Failure>{failure}</Failure>;
  if (all.length === 0)
    return (
      <Empty title="No certificates">
        Set the label <code>com.docker.lb.ssl_cert</code> or <code>com.docker.lb.acme</code> on a service, or list
        secrets in the setting <code>Certificates</code>.
      </Empty>
    );
  const shown = sortCertificates(
    all.filter((certificate) => matchesCertificate(certificate, filter)),
    order,
  );
  return (
    <section class="card" aria-labelledby="all-certificates">
      <header class="card-head">
        <h2 id="all-certificates">All certificates</h2>
        <Filter value={filter} onChange={(value) => replaceQuery(place, { filter: value })} />
        <span class="muted small" role="status">
          {filter === '' ? count(all.length, 'certificate') : `${shown.length} of ${count(all.length, 'certificate')}`}
        </span>
      </header>
      {failure === undefined ? null : <Failure>{failure}</Failure>}
      {shown.length === 0 ? (
        <p class="muted">No certificate matches “{filter}” by host, name, secret, issuer or service.</p>
      ) : (
        <CertificateTable
          certificates={shown.slice(0, pages * PAGE)}
          order={order}
          onOrder={(key) => replaceQuery(place, { sort: toggled(order, key) })}
          onRenewal={reload}
        />
      )}
      <More isNeeded={shown.length > pages * PAGE} onMore={() => setPages(pages + 1)} />
    </section>
  );
}

const EVERY_MS = 10_000;

/** Loaded again every few seconds while the page is visible. */
function useCertificates() {
  const [loaded, setLoaded] = useState<{ all?: readonly CertificateView[]; failure?: string }>({});
  const [times, setTimes] = useState(0);
  useEffect(() => {
    let isCurrent = true;
    const load = () =>
      listCertificates().then(
        (all) => isCurrent && setLoaded({ all }),
        ({ message }: Error) => isCurrent && setLoaded((last) => ({ ...last, failure: message })),
      );
    void load();
    const timer = setInterval(() => document.visibilityState === 'visible' && load(), EVERY_MS);
    return () => {
      isCurrent = false;
      clearInterval(timer);
    };
  }, [times]);
  return { ...loaded, reload: () => setTimes((before) => before + 1) };
}
