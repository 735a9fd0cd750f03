using SharpFuzz;
using SLoRA.Text.Fuzz;

// usage: SLoRA.Text.Fuzz TARGET [EXECUTIONS [SEED]]    runs the target in this process on mutated inputs
//        SLoRA.Text.Fuzz TARGET --libfuzzer            lets a SharpFuzz driver (libFuzzer) run it
//        SLoRA.Text.Fuzz TARGET --file FILE            runs one saved input again
IFuzzTarget[] targets = [new TokenizerFileTarget(), new TextTarget(), new TemplateTarget()];
IFuzzTarget? target = args.Length == 0 ? null : targets.FirstOrDefault(t => t.Name == args[0]);
if (target is null)
{
    Console.Error.WriteLine(
        $"usage: SLoRA.Text.Fuzz {string.Join('|', targets.Select(t => t.Name))} [EXECUTIONS [SEED]] | --libfuzzer | --file FILE");
    return 2;
}

if (args.Length > 1 && args[1] == "--libfuzzer")
{
    Fuzzer.LibFuzzer.Run(input => target.Run(input));
    return 0;
}

if (args.Length > 2 && args[1] == "--file")
{
    target.Run(File.ReadAllBytes(args[2]));
    return 0;
}

long executions = args.Length > 1 ? long.Parse(args[1]) : 1_000_000;
int seed = args.Length > 2 ? int.Parse(args[2]) : 1;
return new FuzzLoop(target, seed).Run(executions) ? 0 : 1;
