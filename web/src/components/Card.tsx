// A card answers one question: title, how it is known, unit in grey, then legend or controls.
import { useId, type ReactNode } from "react";
import styles from "./Card.module.css";

interface Props {
  title?: ReactNode;
  /** How it is known, a `Provenance`. */
  mark?: ReactNode;
  /** In grey: the unit, or one fact. */
  unit?: ReactNode;
  /** On the right: legend or controls. */
  actions?: ReactNode;
  /** Without padding, for tables and lists that reach the edge. */
  flush?: boolean;
  className?: string | undefined;
  children?: ReactNode;
}

export function Card({ title, mark, unit, actions, flush = false, className, children }: Props) {
  const id = useId();
  const named = title !== undefined;
  return (
    <section
      className={`${styles.card} ${flush ? styles.flush : ""} ${className ?? ""}`}
      aria-labelledby={named ? id : undefined}
    >
      {(named || actions) && (
        <div className={styles.head}>
          {named && <h2 id={id}>{title}</h2>}
          {mark}
          {unit !== undefined && <span className={styles.unit}>{unit}</span>}
          {actions && <div className={styles.actions}>{actions}</div>}
        </div>
      )}
      {children}
    </section>
  );
}
