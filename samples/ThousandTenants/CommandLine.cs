using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

namespace ThousandTenants;

/// <summary>The options, and what runs for them.</summary>
internal static class CommandLine
{
    private static readonly Option<int> Tenants = Number("--tenants", "Tenants, each with an adapter of its own.", 1000);
    private static readonly Option<int> Clients = Number("--clients", "Callers that ask at the same time.", 24);
    private static readonly Option<int> PoolMiB = Number("--pool", "Size of the page pool in MiB.", 24);
    private static readonly Option<int> HostMiB = Number("--host", "Main memory in MiB for adapters beside the pool.", 128);
    private static readonly Option<int> MaxTokens = Number("--max-tokens", "The most tokens of an answer.", 32);
    private static readonly Option<double> Zipf =
        Real("--zipf", "How uneven the traffic is: the exponent of Zipf's law; 0 draws tenants uniformly.", 1);
    private static readonly Option<double> Seconds = Real("--seconds", "How long it runs.", 30);

    public static RootCommand Create()
    {
        var root = new RootCommand(
            "A thousand tenants share one small pool: each has an adapter of its own, and a few are in the pool at any time.")
        {
            Tenants, Clients, Zipf, PoolMiB, HostMiB, MaxTokens, Seconds,
        };
        root.SetAction((options, cancellation) => Simulation.RunAsync(
            new Settings(
                options.GetValue(Tenants),
                options.GetValue(Clients),
                options.GetValue(Zipf),
                options.GetValue(PoolMiB),
                options.GetValue(HostMiB),
                options.GetValue(MaxTokens),
                TimeSpan.FromSeconds(options.GetValue(Seconds))),
            View.ForConsole(),
            cancellation));
        return root;
    }

    private static Option<int> Number(string name, string description, int value)
    {
        var option = new Option<int>(name) { Description = description, HelpName = "N", DefaultValueFactory = _ => value };
        option.Validators.Add(
            result => Require(result, result.GetValueOrDefault<int>() is >= 1 and <= 1_000_000, $"{name} must be from 1 to 1000000."));
        return option;
    }

    /// <summary>0.5 means the same in every culture.</summary>
    private static Option<double> Real(string name, string description, double value)
    {
        var option = new Option<double>(name)
        {
            Description = description,
            HelpName = "X",
            DefaultValueFactory = _ => value,
            CustomParser = argument =>
                double.TryParse(argument.Tokens[0].Value, NumberStyles.Float, CultureInfo.InvariantCulture, out double number)
                    ? number
                    : double.NaN,
        };
        option.Validators.Add(result =>
            Require(result, result.GetValueOrDefault<double>() is >= 0 and <= 1_000_000, $"{name} must be a number from 0 to 1000000."));
        return option;
    }

    private static void Require(OptionResult result, bool holds, string message)
    {
        if (!holds)
        {
            result.AddError(message);
        }
    }
}
