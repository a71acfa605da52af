// What was done, with a way to undo it; it stays until read, longer while the pointer is on it.
import { useEffect, useState, useSyncExternalStore } from "react";
import styles from "./Toast.module.css";

interface Message {
  text: string;
  undo?: () => void;
  /** Something was not done. */
  bad?: boolean;
}

const SHOWN_MS = 8_000;
let shown: readonly (Message & { id: number })[] = [];
let next = 1;
const listeners = new Set<() => void>();

function put(messages: typeof shown): void {
  shown = messages;
  for (const listener of listeners) listener();
}

/** Say what was done. */
export function toast(message: Message): void {
  put([...shown.slice(-2), { ...message, id: next++ }]);
}

function remove(id: number): void {
  put(shown.filter((message) => message.id !== id));
}

export function Toasts() {
  const messages = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => shown,
  );
  return (
    <div className={styles.toasts} role="status" data-screen-only>
      {messages.map((message) => (
        <One key={message.id} {...message} />
      ))}
    </div>
  );
}

function One({ id, text, undo, bad }: Message & { id: number }) {
  const [held, setHeld] = useState(false);
  useEffect(() => {
    if (held) return;
    const timer = setTimeout(() => remove(id), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [held, id]);
  return (
    <div
      className={styles.toast}
      data-bad={bad}
      onPointerEnter={() => setHeld(true)}
      onPointerLeave={() => setHeld(false)}
      onFocus={() => setHeld(true)}
      onBlur={() => setHeld(false)}
    >
      <span>{text}</span>
      {undo && (
        <button
          type="button"
          onClick={() => {
            remove(id);
            undo();
          }}
        >
          Undo
        </button>
      )}
    </div>
  );
}
