using System.CommandLine;
using System.Globalization;
using SLoRA.Evaluation.Reports;

namespace SLoRA.Evaluation;

/// <summary>What a device can serve: <see cref="CapacityPlanner"/> on the command line.</summary>
internal static class PlanCommand
{
    private static readonly Dictionary<string, DeviceProfile> Devices = new(StringComparer.Ordinal)
    {
        ["a10g"] = DeviceProfile.A10G,
        ["a100-40"] = DeviceProfile.A100Of40,
        ["a100"] = DeviceProfile.A100,
        ["h100"] = DeviceProfile.H100,
        ["h200"] = DeviceProfile.H200,
    };

    /// <summary>Creates the command.</summary>
    public static Command Create()
    {
        var model = new Argument<string>("model") { Description = "A folder with config.json." };
        Option<string> device = new("--device") { Description = "The device.", DefaultValueFactory = _ => "h100" };
        device.AcceptOnlyFromAmong([.. Devices.Keys]);
        Option<string[]> adapters = new("--adapters")
        {
            Description = "Adapters as COUNTxRANK, such as 1000x16.",
            AllowMultipleArgumentsPerToken = true,
            DefaultValueFactory = _ => [],
        };
        adapters.Validators.Add(result =>
        {
            foreach (string group in result.GetValueOrDefault<string[]>() ?? [])
            {
                if (!TryParse(group, out _))
                {
                    result.AddError($"'{group}' is not COUNTxRANK.");
                }
            }
        });
        Option<double> rate = new("--rate") { Description = "Requests per second.", DefaultValueFactory = _ => 1 };
        Option<int> prompt = new("--prompt") { Description = "Tokens of a prompt.", DefaultValueFactory = _ => 256 };
        Option<int> output = new("--output") { Description = "Tokens of an answer.", DefaultValueFactory = _ => 256 };
        Option<double> variation = new("--variation")
        {
            Description = "How much answers differ in length: standard deviation / mean.",
            DefaultValueFactory = _ => 0,
        };
        Option<double> skew = new("--skew") { Description = "The exponent of Zipf's law over the adapters.", DefaultValueFactory = _ => 0 };
        var command = new Command("plan", "What a device can serve.") { model, device, adapters, rate, prompt, output, variation, skew };
        command.SetAction(options =>
        {
            CapacityPlan plan = CapacityPlanner.Plan(new CapacityQuestion
            {
                Model = options.GetValue(model)!,
                Device = Devices[options.GetValue(device)!],
                Adapters = [.. options.GetValue(adapters)!.Select(Parse)],
                Traffic = new TrafficProfile
                {
                    RequestsPerSecond = options.GetValue(rate),
                    PromptTokens = options.GetValue(prompt),
                    OutputTokens = options.GetValue(output),
                    OutputVariation = options.GetValue(variation),
                    Skew = options.GetValue(skew),
                },
            });
            Console.WriteLine(Table(plan));
        });
        return command;
    }

    private static string Table(CapacityPlan plan)
    {
        string Bytes(long bytes) => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e9:F2} GB");
        string Milliseconds(TimeSpan? time) => time is { } known ? MarkdownTable.Number(known.TotalMilliseconds) + " ms" : "no bound";
        return new MarkdownTable("figure", "value")
            .Add("weights", Bytes(plan.WeightBytes))
            .Add("pool", $"{Bytes(plan.PoolBytes)}, {plan.Pages} pages of {plan.PageTokens} tokens")
            .Add("pages of a request, of an adapter", $"{plan.RequestPages}, {MarkdownTable.Number(plan.AdapterPages)}")
            .Add("adapters in main memory", Bytes(plan.HostBytes))
            .Add("requests at once", $"{MarkdownTable.Number(plan.Running)} of at most {plan.MostRunning}")
            .Add("adapters that fit beside them, residents", $"{plan.AdaptersThatFit}, {plan.Residents}")
            .Add("requests that find their adapter", MarkdownTable.Percent(plan.HitRate))
            .Add("saturated", plan.IsSaturated ? "yes" : "no")
            .Add("answered", string.Create(
                CultureInfo.InvariantCulture, $"{plan.RequestsPerSecond:F2} requests/s, {plan.TokensPerSecond:F0} tokens/s"))
            .Add("a step", Milliseconds(plan.StepTime))
            .Add("first token", Milliseconds(plan.FirstToken))
            .ToString();
    }

    private static AdapterGroup Parse(string group) =>
        TryParse(group, out AdapterGroup? parsed) ? parsed! : throw new FormatException(group);

    private static bool TryParse(string group, out AdapterGroup? parsed)
    {
        string[] parts = group.Split('x');
        bool isGroup = parts.Length == 2 & int.TryParse(parts[0], CultureInfo.InvariantCulture, out int count)
            & int.TryParse(parts[^1], CultureInfo.InvariantCulture, out int rank);
        parsed = isGroup ? new AdapterGroup { Count = count, Rank = rank } : null;
        return isGroup;
    }
}
