using System.Globalization;
using System.Text;
using SharpFuzz;
using SLoRA.Text.Fuzz;

// usage: dotnet run -c Release --project tests/SLoRA.Text.Fuzz -- TARGET [EXECUTIONS [SEED]]
//        dotnet run -c Release --project tests/SLoRA.Text.Fuzz -- TARGET --libfuzzer      for a SharpFuzz driver that feeds the inputs
string fixtures = Path.Combine(AppContext.BaseDirectory, "..", "..", "..", "..", "fixtures", "text");
Func<FuzzTarget>? create = args.FirstOrDefault() switch
{
    "template" => () => new TemplateTarget(Path.Combine(fixtures, "templates")),
    "tokenizer" => () => new TokenizerFileTarget(fixtures),
    "text" => () => new TextTarget(fixtures),
    _ => null,
};
if (create is null)
{
    Console.Error.WriteLine("usage: TARGET [EXECUTIONS [SEED]] | TARGET --libfuzzer, with TARGET one of: template, tokenizer, text");
    return 2;
}

FuzzTarget target = create();
if (args.Length > 1 && args[1] == "--libfuzzer")
{
    Fuzzer.LibFuzzer.Run(input => target.Execute(Encoding.UTF8.GetString(input), new Random(input.Length)));
    return 0;
}

long executions = args.Length > 1 ? long.Parse(args[1], CultureInfo.InvariantCulture) : 1_000_000;
int seed = args.Length > 2 ? int.Parse(args[2], CultureInfo.InvariantCulture) : 1;
var driver = new MutationDriver(target, seed, Console.Out);
using Timer watch = driver.ExitWhenHung();
return driver.Run(executions) ? 0 : 1;
