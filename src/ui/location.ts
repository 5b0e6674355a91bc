import { useEffect, useState } from 'preact/hooks';
import { type Place, parsePlace, toHash } from './lib/place.ts';

export function usePlace(): Place {
  const [place, setPlace] = useState(() => parsePlace(location.hash));
  useEffect(() => {
    const follow = () => setPlace(parsePlace(location.hash));
    window.addEventListener('hashchange', follow);
    return () => window.removeEventListener('hashchange', follow);
  }, []);
  return place;
}

/** Changes the query in place: typing into a filter makes no history. */
export function replaceQuery(place: Place, query: Readonly<Record<string, string>>): void {
  history.replaceState(null, '', toHash({ view: place.view, query: { ...place.query, ...query } }));
  window.dispatchEvent(new Event('hashchange'));
}
