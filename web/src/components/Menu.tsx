// A button that opens a list of things to do. Arrow keys move in it, Esc closes it.
import { useEffect, useId, useRef, useState, type KeyboardEvent, type ReactNode } from "react";
import styles from "./Menu.module.css";

export interface MenuItem {
  label: ReactNode;
  run: () => void;
  danger?: boolean;
  disabled?: boolean;
  /** Of several, the one that holds. */
  checked?: boolean;
}

interface Props {
  /** What the button says. */
  button: ReactNode;
  /** What it is called when it shows no word. */
  label?: string;
  items: readonly MenuItem[];
  /** Over the items: whose menu it is. */
  head?: ReactNode;
  className?: string | undefined;
  side?: "left" | "right";
}

export function Menu({ button, label, items, head, className, side = "right" }: Props) {
  const [open, setOpen] = useState(false);
  const id = useId();
  const root = useRef<HTMLDivElement>(null);
  const trigger = useRef<HTMLButtonElement>(null);
  const list = useRef<HTMLDivElement>(null);
  const entries = () => [
    ...(list.current?.querySelectorAll<HTMLButtonElement>("button:not(:disabled)") ?? []),
  ];

  useEffect(() => {
    if (!open) return;
    entries()[0]?.focus();
    const outside = (event: PointerEvent) => {
      if (!root.current?.contains(event.target as Node)) setOpen(false);
    };
    document.addEventListener("pointerdown", outside);
    return () => document.removeEventListener("pointerdown", outside);
  }, [open]);

  const shut = () => {
    setOpen(false);
    trigger.current?.focus();
  };
  const key = (event: KeyboardEvent) => {
    const all = entries();
    const at = all.indexOf(document.activeElement as HTMLButtonElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1 + all.length, Home: 0, End: all.length - 1 }[event.key];
    if (event.key === "Escape") shut();
    else if (event.key === "Tab") setOpen(false);
    else if (to !== undefined) all[to % all.length]?.focus();
    else return;
    if (event.key !== "Tab") event.preventDefault();
    event.stopPropagation();
  };
  return (
    <div className={styles.root} ref={root}>
      <button
        ref={trigger}
        type="button"
        className={className ?? styles.trigger}
        aria-haspopup="menu"
        aria-expanded={open}
        aria-controls={open ? id : undefined}
        aria-label={label}
        title={label}
        onClick={() => setOpen(!open)}
        onKeyDown={(event) => {
          if (event.key !== "ArrowDown") return;
          event.preventDefault();
          setOpen(true);
        }}
      >
        {button}
      </button>
      {open && (
        <div className={`${styles.list} ${styles[side]}`} onKeyDown={key}>
          {head && <div className={styles.head}>{head}</div>}
          <div id={id} role="menu" ref={list} aria-label={label}>
            {items.map((item, at) => (
              <button
                key={at}
                type="button"
                role={item.checked === undefined ? "menuitem" : "menuitemradio"}
                aria-checked={item.checked}
                tabIndex={-1}
                disabled={item.disabled ?? false}
                className={item.danger ? styles.danger : undefined}
                onClick={() => {
                  shut();
                  item.run();
                }}
              >
                {item.label}
                {item.checked && <span aria-hidden="true">✓</span>}
              </button>
            ))}
          </div>
        </div>
      )}
    </div>
  );
}
