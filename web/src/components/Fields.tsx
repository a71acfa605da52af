import { useId, useState, type InputHTMLAttributes, type ReactNode } from "react";
import { Button } from "./Button";
import styles from "./Fields.module.css";

interface FieldProps {
  label: string;
  /** What has to be known to fill it in. */
  hint?: ReactNode;
}

type TextProps = FieldProps &
  Omit<InputHTMLAttributes<HTMLInputElement>, "value" | "onChange"> & {
    value: string;
    set: (value: string) => void;
  };

/** One line of text with its name. */
export function TextField({ label, hint, value, set, ...rest }: TextProps) {
  const id = useId();
  return (
    <div className={styles.field}>
      <label htmlFor={id}>{label}</label>
      <input
        id={id}
        value={value}
        onChange={(event) => set(event.target.value)}
        aria-describedby={hint ? `${id}h` : undefined}
        {...rest}
      />
      {hint ? (
        <p id={`${id}h`} className="support">
          {hint}
        </p>
      ) : null}
    </div>
  );
}

interface PickProps<T extends string> extends FieldProps {
  value: T;
  set: (value: T) => void;
  options: readonly { value: T; label: string }[];
  disabled?: boolean;
}

/** One of several. */
export function PickField<T extends string>({
  label,
  hint,
  value,
  set,
  options,
  disabled = false,
}: PickProps<T>) {
  const id = useId();
  return (
    <div className={styles.field}>
      <label htmlFor={id}>{label}</label>
      <select id={id} value={value} disabled={disabled} onChange={(event) => set(event.target.value as T)}>
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.label}
          </option>
        ))}
      </select>
      {hint ? <p className="support">{hint}</p> : null}
    </div>
  );
}

interface CheckProps {
  value: boolean;
  set: (value: boolean) => void;
  children: ReactNode;
}

/** Yes or no. */
export function Check({ value, set, children }: CheckProps) {
  return (
    <label className={styles.check}>
      <input type="checkbox" checked={value} onChange={(event) => set(event.target.checked)} />
      <span>{children}</span>
    </label>
  );
}

interface ChecksProps extends FieldProps {
  values: readonly string[];
  set: (values: string[]) => void;
  options: readonly { value: string; label: string }[];
}

/** Any of several. */
export function Checks({ label, hint, values, set, options }: ChecksProps) {
  const turn = (value: string, on: boolean) =>
    set(on ? [...values, value] : values.filter((one) => one !== value));
  return (
    <fieldset className={styles.field}>
      <legend>{label}</legend>
      <div className={styles.checks}>
        {options.map(({ value, label: text }) => (
          <Check key={value} value={values.includes(value)} set={(on) => turn(value, on)}>
            {text}
          </Check>
        ))}
      </div>
      {hint ? <p className="support">{hint}</p> : null}
    </fieldset>
  );
}

/** Something that is shown once: to be copied now. */
export function Secret({ label, value }: { label: string; value: string }) {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(value);
    setCopied(true);
  };
  return (
    <div className={styles.secret}>
      <p className="support">{label}</p>
      <code>{value}</code>
      <Button small onClick={() => void copy()}>
        {copied ? "Copied" : "Copy"}
      </Button>
    </div>
  );
}

/** Why something was not done, beside what was filled in. */
export function NotDone({ error }: { error: Error | null }) {
  if (error === null) return null;
  return (
    <p className={styles.notDone} role="alert">
      {error.message}
    </p>
  );
}
