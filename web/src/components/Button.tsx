// One filled button a view; what destroys is outlined and sits in a menu.
import type { ButtonHTMLAttributes, ReactNode } from "react";
import { Link, type To } from "react-router";
import styles from "./Button.module.css";
import { Icon, type IconName } from "./Icon";

type Kind = "plain" | "filled" | "quiet" | "danger";

interface Looks {
  kind?: Kind;
  small?: boolean;
  icon?: IconName;
  children?: ReactNode;
}

function classes({ kind = "plain", small = false }: Looks, more?: string): string {
  return [styles.button, styles[kind], small && styles.small, more].filter(Boolean).join(" ");
}

type Props = Looks & ButtonHTMLAttributes<HTMLButtonElement>;

export function Button({ kind, small, icon, children, className, type = "button", ...rest }: Props) {
  return (
    <button type={type} className={classes({ kind, small } as Looks, className)} {...rest}>
      {icon && <Icon name={icon} size={16} />}
      {children}
    </button>
  );
}

/** A link that looks like a button: it goes somewhere. */
export function LinkButton({ to, kind, small, icon, children }: Looks & { to: To }) {
  return (
    <Link to={to} className={classes({ kind, small } as Looks)}>
      {icon && <Icon name={icon} size={16} />}
      {children}
    </Link>
  );
}
