import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { Action } from '../hooks.ts';
import { Refusal } from './notes.tsx';

interface ConfirmProps {
  readonly title: string;
  readonly verb: string;
  readonly action: Action;
  readonly onConfirm: () => void;
  readonly onClose: () => void;
  readonly children: ComponentChildren;
}

/** Asks for confirmation before an action that affects clients. */
export function Confirm({ title, verb, action, onConfirm, onClose, children }: ConfirmProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} class="confirm" aria-labelledby="confirm-title" onClose={onClose}>
      <h2 id="confirm-title">{title}</h2>
      <div class="confirm-text">{children}</div>
      <Refusal reason={action.refusal} />
      <div class="buttons">
        <button type="button" class="button" onClick={() => dialog.current?.close()}>
          Cancel
        </button>
        <button type="button" class="button button-danger" disabled={action.busy} onClick={onConfirm}>
          {verb}
        </button>
      </div>
    </dialog>
  );
}
