// Everything that does not need the editor, for the tests.

export * from "./connection";
export * from "./discovery";
export * from "./http";
export * from "./model";
export * from "./places";
export * from "./popups";
export * from "./runs";
export * from "./text";
export * from "./wire";
