using System.Collections.Immutable;
using SLoRA.Formats;
using SLoRA.Formats.Peft;
using SLoRA.Models;

namespace SLoRA.Adapters.Intake;

/// <summary>
/// The vocabulary of an adapter that was trained with tokens which the model does not have: whoever adds tokens makes embedding and head
/// longer, and PEFT stores both.
/// </summary>
internal static class GrownVocabulary
{
    /// <summary>
    /// The modules as the adapter sees them: with more entries in embedding and head, where the file has rows for all of them; otherwise
    /// as they are.
    /// </summary>
    /// <param name="reader">The adapter.</param>
    /// <param name="targets">The modules of the model.</param>
    /// <param name="pause">Called before each tensor, so that others can work meanwhile; null for nobody.</param>
    public static ImmutableArray<TargetModule> Targets(AdapterReader reader, ImmutableArray<TargetModule> targets, Action? pause = null)
    {
        ImmutableArray<TargetModule> ends = [.. targets.Where(IsEnd)];
        if (ends.Count(end => end.Kind == TargetKind.Embedding) != 1)
        {
            return targets;
        }

        long[] rows = [.. ends.Select(end => (long)WantedTensors.RowsOf(end))];
        long[] longest = [.. rows];
        foreach (TensorEntry tensor in reader.Tensors)
        {
            pause?.Invoke();
            if (tensor.Shape.Length == 2 && reader.KeyOf(tensor) is { Role: PeftTensorRole.Weight } key
                && ends.FirstOrDefault(end => key.Candidates().Any(end.Names.Contains)) is { } stored)
            {
                int at = ends.IndexOf(stored);
                longest[at] = Math.Max(longest[at], tensor.Shape[0]);
            }
        }

        ImmutableArray<int>[] tokens = WantedTensors.TokensOf(reader.Config, targets, pause);
        for (int at = 0; at < ends.Length; at++)
        {
            // Trained tokens are rows too, where none is left out.
            int[] beyond = [.. tokens[ends[at].Index].Where(token => token >= rows[at]).Order()];
            longest[at] = beyond.Length > 0 && beyond[^1] == rows[at] + beyond.Length - 1
                ? Math.Max(longest[at], beyond[^1] + 1)
                : longest[at];
        }

        for (int at = 0; at < ends.Length; at++)
        {
            // What is tied is stored once or twice.
            if (ends[at].StoredAs is { } other && longest[at] == rows[at])
            {
                longest[at] = longest[ends.IndexOf(ends.Single(end => end.Name == other))];
            }
        }

        int added = (int)Math.Min(longest[0] - rows[0], int.MaxValue - rows[0]);
        return added > 0 && longest.All(count => count == longest[0])
            ? [.. targets.Select(target => IsEnd(target) ? Grown(target, added) : target)]
            : targets;
    }

    /// <summary>How many tokens modules have beyond those of the model.</summary>
    public static int AddedTokens(ImmutableArray<TargetModule> targets) => targets.IsEmpty ? 0 : targets.Max(target => target.AddedTokens);

    private static bool IsEnd(TargetModule target) => target.Kind is TargetKind.Embedding or TargetKind.Head;

    private static TargetModule Grown(TargetModule end, int added) => end.Kind == TargetKind.Embedding
        ? end with { InFeatures = end.InFeatures + added, AddedTokens = added }
        : end with { OutFeatures = end.OutFeatures + added, AddedTokens = added };
}
