import type { TargetedSubmitEvent } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { knowsHost } from '../../../model/explain/explanation.ts';
import { type ClusterExplanation, explain } from '../../api.ts';
import { useAction, useCanChange } from '../../hooks.ts';
import { askedIn, isPlain, isSame, methods } from '../../lib/asked-request.ts';
import type { Place } from '../../lib/place.ts';
import { replaceQuery } from '../../location.ts';
import { Refusal } from '../../parts/notes.tsx';
import { Explained } from './explained.tsx';
import { TryIt } from './tried.tsx';

/** Shows which route serves a URL, and why. */
export function Explain({ place }: { readonly place: Place }) {
  const action = useAction();
  const [explanations, setExplanations] = useState<readonly ClusterExplanation[]>([]);
  const section = useRef<HTMLElement>(null);
  const asked = askedIn(place.query);
  const key = JSON.stringify(asked);
  const ask = () => {
    setExplanations([]);
    void action.run(async () => setExplanations(await explain(asked)));
  };
  useEffect(() => {
    if (asked.url === '') return;
    section.current?.scrollIntoView({ block: 'nearest' });
    ask();
  }, [key]);
  const submit = (event: TargetedSubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    const fields = new FormData(event.currentTarget);
    const text = (field: string) => String(fields.get(field)).trim();
    const method = text('method');
    const wanted = { url: text('url'), method: method === 'GET' ? '' : method, headers: text('headers') };
    if (isSame(wanted, asked)) ask();
    else replaceQuery(place, wanted);
  };
  const canTry = useCanChange();
  const [best, ...rest] = explanations;
  const others = rest.filter(({ answer }) => answer.kind !== 'no-host');
  return (
    <section class="card explain" aria-labelledby="explain" ref={section}>
      <header class="card-head">
        <h2 id="explain">Which route serves a URL?</h2>
      </header>
      <form key={key} onSubmit={submit}>
        <div class="ask">
          <label class="ask-url">
            <span class="for-ears">URL</span>
            <input
              name="url"
              placeholder="http://app.example.org/path"
              defaultValue={asked.url}
              required
              spellcheck={false}
            />
          </label>
          <label>
            <span class="for-ears">Method</span>
            <select name="method">
              {[...new Set([...methods, asked.method || 'GET'])].map((method) => (
                <option key={method} selected={method === (asked.method || 'GET')}>
                  {method}
                </option>
              ))}
            </select>
          </label>
          <button type="submit" class="button" disabled={action.busy}>
            Explain
          </button>
        </div>
        <details class="ask-headers" open={asked.headers !== ''}>
          <summary>Headers and cookies</summary>
          <textarea
            name="headers"
            aria-label="Headers"
            rows={3}
            placeholder={'X-Beta: yes\nCookie: group=b'}
            defaultValue={asked.headers}
            spellcheck={false}
          />
        </details>
      </form>
      <Refusal reason={action.refusal} />
      <div aria-live="polite">
        {[...(best === undefined ? [] : [best]), ...others].map((explanation) => (
          <Explained key={explanation.cluster} explanation={explanation} />
        ))}
      </div>
      {canTry && best !== undefined && isPlain(asked) && isTriable(best) ? (
        <TryIt key={best.url} url={best.url} />
      ) : null}
    </section>
  );
}

/** A request needs a host, and TCP and UDP have none. */
function isTriable({ url, answer }: ClusterExplanation): boolean {
  return url.startsWith('http') && knowsHost(answer);
}
