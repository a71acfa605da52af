export * from "./csv";
export * from "./number";
export * from "./now";
export * from "./Time";
export * from "./moments";
export * from "./units";
