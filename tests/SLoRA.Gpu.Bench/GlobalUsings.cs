// Linked from the benches of the Cpu backend: dimensions of models, random numbers.
global using SLoRA.Core.Bench;
