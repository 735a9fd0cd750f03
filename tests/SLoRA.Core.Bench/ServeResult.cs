using System.Globalization;

namespace SLoRA.Core.Bench;

/// <summary>One repetition, in the terms of the llama.cpp benchmark that it is compared with.</summary>
/// <param name="Workload">What was served.</param>
/// <param name="PrefillSeconds">From the start until the last request had its first token.</param>
/// <param name="DecodeSeconds">From then to the end.</param>
/// <param name="DecodedTokens">Tokens given in that time.</param>
internal sealed record ServeResult(ServeWorkload Workload, double PrefillSeconds, double DecodeSeconds, int DecodedTokens)
{
    /// <summary>The whole time.</summary>
    public double TotalSeconds => PrefillSeconds + DecodeSeconds;

    /// <summary>Tokens per second.</summary>
    public ServeFigures Figures => new(
        Workload.Requests * Workload.Prompt / PrefillSeconds, DecodedTokens / DecodeSeconds, Workload.Requests
            * Workload.Output / TotalSeconds);

    /// <summary>One line of JSON.</summary>
    public string ToJson() => string.Create(
        CultureInfo.InvariantCulture,
        $"{{\"mode\":\"{(Workload.IsMixed ? "mixed" : "base")}\",\"adapters\":{Workload.Adapters},\"requests\":{Workload.Requests},"
        + $"\"prompt\":{Workload.Prompt},\"output\":{Workload.Output},\"prefill_tok_s\":{Figures.Prefill:F1},"
        + $"\"decode_tok_s\":{Figures.Decode:F1},\"total_s\":{TotalSeconds:F3},\"output_tok_s\":{Figures.Output:F1}}}");
}
