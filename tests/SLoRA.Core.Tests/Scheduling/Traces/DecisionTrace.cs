using System.Globalization;
using System.Text.Json;

namespace SLoRA.Core.Tests.Scheduling.Traces;

/// <summary>One workload and what a scheduler decided on it, step by step: the columns of a trace file.</summary>
internal sealed class DecisionTrace
{
    private DecisionTrace(JsonElement file, string policy)
    {
        JsonElement requests = file.GetProperty("requests");
        Pool = file.GetProperty("pool").GetInt64();
        PromptLimit = file.GetProperty("batch_max_tokens").GetInt64();
        MaxRunning = file.GetProperty("max_running").GetInt32();
        Cost = [.. file.GetProperty("cost").EnumerateArray().Select(value => value.GetInt64())];
        Ranks = [.. file.GetProperty("ranks").EnumerateArray().Select(value => value.GetInt32())];
        Arrivals = [.. Column(requests, "arrival")];
        Adapters = [.. Column(requests, "adapter").Select(value => (int)value)];
        Prompts = [.. Column(requests, "input").Select(value => (int)value)];
        Limits = [.. Column(requests, "max_output").Select(value => (int)value)];
        Outputs = [.. Column(requests, "output").Select(value => (int)value)];
        Cancels = file.TryGetProperty("cancels", out JsonElement cancels)
            ? [.. cancels.EnumerateArray().Select(cancel => (cancel[0].GetInt64(), cancel[1].GetInt32()))]
            : [];
        Weights = file.TryGetProperty("weights", out JsonElement weights)
            ? weights.ValueKind == JsonValueKind.Array
                ? weights.EnumerateArray().Select((weight, i) => ($"{i}", weight.GetDouble())).ToDictionary()
                : weights.EnumerateObject().ToDictionary(weight => weight.Name, weight => weight.Value.GetDouble())
            : [];
        JsonElement trace = file.GetProperty("traces").GetProperty(policy);
        PaperLiftParts = trace.TryGetProperty("paper_lift_parts", out JsonElement parts) ? parts.GetInt64() : long.MaxValue;
        Steps = [.. trace.GetProperty("steps").EnumerateArray().SelectMany(Expand)];
    }

    public long Pool { get; }

    public long PromptLimit { get; }

    public int MaxRunning { get; }

    /// <summary>Microseconds of a prefill and of each of its tokens, of a decode and of each token that it looks back on.</summary>
    public IReadOnlyList<long> Cost { get; }

    public IReadOnlyList<int> Ranks { get; }

    public IReadOnlyList<long> Arrivals { get; }

    /// <summary>The adapter of each request, which is its client; −1 for the base model.</summary>
    public IReadOnlyList<int> Adapters { get; }

    public IReadOnlyList<int> Prompts { get; }

    public IReadOnlyList<int> Limits { get; }

    public IReadOnlyList<int> Outputs { get; }

    public IReadOnlyList<(long Time, int Id)> Cancels { get; }

    public Dictionary<string, double> Weights { get; }

    /// <summary>When the lift of the paper first decides otherwise than that of the code that was recorded.</summary>
    public long PaperLiftParts { get; }

    /// <summary>What was decided.</summary>
    public IReadOnlyList<TraceStep> Steps { get; }

    public static DecisionTrace Read(string path, string policy)
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(path));
        return new DecisionTrace(document.RootElement, policy);
    }

    /// <summary>The policies that decided on a workload.</summary>
    public static string[] Policies(string path)
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(path));
        bool isTrace = document.RootElement.ValueKind == JsonValueKind.Object;
        return isTrace && document.RootElement.TryGetProperty("traces", out JsonElement traces)
            ? [.. traces.EnumerateObject().Select(trace => trace.Name)]
            : [];
    }

    /// <summary>Requests that had their first token within a time, in microseconds, by what was decided.</summary>
    public int InTime(IEnumerable<TraceStep> steps, long target) => steps.Where(step => step.Kind == 'P')
        .SelectMany(
            step => step.Admitted.Split(' '), (step, id) => step.End!.Value - Arrivals[int.Parse(id, CultureInfo.InvariantCulture)])
        .Count(time => time <= target);

    private static IEnumerable<long> Column(JsonElement requests, string name) =>
        requests.GetProperty(name).EnumerateArray().Select(value => value.GetInt64());

    /// <summary>An entry stands for n steps, of which the last has the end and what ended with it.</summary>
    private static IEnumerable<TraceStep> Expand(JsonElement entry)
    {
        int count = entry.TryGetProperty("n", out JsonElement n) ? n.GetInt32() : 1;
        char kind = entry.GetProperty("k").GetString()![0];
        for (int i = 1; i < count; i++)
        {
            yield return new TraceStep(kind, "", "", "", null);
        }

        yield return new TraceStep(kind, Ids(entry, "a"), Ids(entry, "x"), Ids(entry, "f"), entry.GetProperty("e").GetInt64());
    }

    private static string Ids(JsonElement entry, string name) => entry.TryGetProperty(name, out JsonElement ids)
        ? string.Join(' ', ids.EnumerateArray().Select(id => id.GetInt32()))
        : "";
}

/// <summary>One step.</summary>
/// <param name="Kind">P: prefill, D: decode, A: decode behind an attempt to admit, I: idle.</param>
/// <param name="Admitted">Ids in the order of admission.</param>
/// <param name="Dropped">Ids that were given up, the newest first.</param>
/// <param name="Ended">Ids in the order of the batch.</param>
/// <param name="End">Microseconds; null where it was not recorded.</param>
internal readonly record struct TraceStep(char Kind, string Admitted, string Dropped, string Ended, long? End);
