import type { ComponentChildren } from 'preact';
import type { Aspect } from '../lib/health.ts';
import { Lamp, Signal } from './signal.tsx';

interface NoteProps {
  readonly children: ComponentChildren;
}

/** Why an action was rejected. Screen readers announce it immediately. */
export function Refusal({ reason }: { readonly reason: string | undefined }) {
  return (
    <div class="refusal" role="alert" hidden={reason === undefined}>
      {reason}
    </div>
  );
}

/** An empty state and its explanation. */
export function Empty({
  title,
  aspect = 'off',
  children,
}: NoteProps & { readonly title: string; readonly aspect?: Aspect }) {
  return (
    <div class="empty">
      <div class="empty-scene" aria-hidden="true">
        <Signal aspect={aspect} size="large" />
        <div class="empty-track" />
      </div>
      <h2>{title}</h2>
      <p>{children}</p>
    </div>
  );
}

export function Failure({ children }: NoteProps) {
  return (
    <p class="failure" role="alert">
      <Lamp aspect="danger" /> {children}
    </p>
  );
}

/** Placeholder for content that is loading. */
export function Loading({ what, rows = 3 }: { readonly what: string; readonly rows?: number }) {
  return (
    <div class="loading" role="status">
      <span class="for-ears">Loading {what}…</span>
      {Array.from({ length: rows }, (_, row) => (
        <div key={row} class="loading-row" />
      ))}
    </div>
  );
}
