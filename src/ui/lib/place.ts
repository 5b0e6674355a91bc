export const views = [
  'overview',
  'routes',
  'certificates',
  'traffic',
  'problems',
  'configuration',
  'maintenance',
  'diagnosis',
  'access',
] as const;
export type View = (typeof views)[number];

/** The page's location, such as `#/routes?filter=shop`, which can be bookmarked and shared. */
export interface Place {
  readonly view: View;
  readonly query: Readonly<Record<string, string>>;
}

export function parsePlace(hash: string): Place {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?');
  const view = views.find((name) => name === path) ?? 'overview';
  return { view, query: Object.fromEntries(new URLSearchParams(query)) };
}

export function toHash({ view, query }: Place): string {
  const text = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== '')).toString();
  return `#/${view}${text === '' ? '' : `?${text}`}`;
}
