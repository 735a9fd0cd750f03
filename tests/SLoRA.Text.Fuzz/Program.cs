using System.Globalization;
using SLoRA.Text.Fuzz;

// usage: dotnet run -c Release --project tests/SLoRA.Text.Fuzz -- TARGET [EXECUTIONS [SEED]]
string fixtures = Path.Combine(AppContext.BaseDirectory, "..", "..", "..", "..", "fixtures", "text");
Func<FuzzTarget>? create = args.FirstOrDefault() switch
{
    "template" => () => new TemplateTarget(Path.Combine(fixtures, "templates")),
    _ => null,
};
if (create is null)
{
    Console.Error.WriteLine("usage: TARGET [EXECUTIONS [SEED]] with TARGET one of: template");
    return 2;
}

long executions = args.Length > 1 ? long.Parse(args[1], CultureInfo.InvariantCulture) : 1_000_000;
int seed = args.Length > 2 ? int.Parse(args[2], CultureInfo.InvariantCulture) : 1;
return new MutationDriver(create(), seed, Console.Out).Run(executions) ? 0 : 1;
