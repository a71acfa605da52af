// A dialog names its effect and is closed by Esc; the browser keeps the focus in it and gives it back.
import { useEffect, useId, useRef, type ReactNode } from "react";
import { Button } from "./Button";
import styles from "./Dialog.module.css";

interface Props {
  title: string;
  close: () => void;
  /** The button that does it, with its effect in its name; none for a dialog that only shows. */
  act?: { label: string; run: () => void; disabled?: boolean };
  wide?: boolean;
  children: ReactNode;
}

export function Dialog({ title, close, act, wide = false, children }: Props) {
  const id = useId();
  const ref = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    ref.current?.showModal();
  }, []);
  return (
    <dialog
      ref={ref}
      className={`${styles.dialog} ${wide ? styles.wide : ""}`}
      aria-labelledby={id}
      onClose={close}
      onClick={(event) => event.target === ref.current && close()}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          act?.run();
        }}
      >
        <h2 id={id}>{title}</h2>
        <div className={styles.body}>{children}</div>
        <div className={styles.actions}>
          <Button onClick={close}>{act ? "Cancel" : "Close"}</Button>
          {act && (
            <Button kind="filled" type="submit" disabled={act.disabled ?? false}>
              {act.label}
            </Button>
          )}
        </div>
      </form>
    </dialog>
  );
}
