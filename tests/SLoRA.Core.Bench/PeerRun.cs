using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace SLoRA.Core.Bench;

/// <summary>
/// Runs the script that measures the peer, <c>run SHAPE WEIGHTS REQUESTS PROMPT OUTPUT ADAPTERS base|mixed</c>: a line of JSON per
/// repetition.
/// </summary>
internal static class PeerRun
{
    /// <summary>The best of a run's repetitions, figure by figure.</summary>
    public static async Task<ServeFigures> Measure(string script, ServeWorkload workload, CancellationToken cancellation)
    {
        var start = new ProcessStartInfo(script) { RedirectStandardOutput = true };
        foreach (string argument in Arguments(workload))
        {
            start.ArgumentList.Add(argument);
        }

        using Process process = Process.Start(start)!;
        string output = await process.StandardOutput.ReadToEndAsync(cancellation);
        await process.WaitForExitAsync(cancellation);
        ServeFigures? best = null;
        foreach (string line in output.Split('\n').Where(line => line.StartsWith('{')))
        {
            using JsonDocument document = JsonDocument.Parse(line);
            double Number(string name) => document.RootElement.GetProperty(name).GetDouble();
            best = new ServeFigures(Number("prefill_tok_s"), Number("decode_tok_s"), Number("output_tok_s")).Or(best);
        }

        return process.ExitCode == 0 && best is not null
            ? best
            : throw new InvalidOperationException(
                $"{script} {string.Join(' ', Arguments(workload))} ended with {process.ExitCode} and gave no result.");
    }

    private static string[] Arguments(ServeWorkload workload) =>
    [
        workload.Shape.Name,
        workload.Weights.File is { } file ? file.Name : workload.Weights.Kept switch
        {
            CpuWeights.Int8 => "q8_0",
            CpuWeights.Int4 => "q4_0",
            _ => workload.Weights.Stored == Formats.TensorType.F32 ? "f32" : "f16",
        },
        workload.Requests.ToString(CultureInfo.InvariantCulture),
        workload.Prompt.ToString(CultureInfo.InvariantCulture),
        workload.Output.ToString(CultureInfo.InvariantCulture),
        (workload.IsMixed ? workload.Adapters : 0).ToString(CultureInfo.InvariantCulture),
        workload.IsMixed ? "mixed" : "base",
    ];
}
