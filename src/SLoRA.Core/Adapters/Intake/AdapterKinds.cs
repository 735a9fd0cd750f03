using System.Collections.Immutable;
using SLoRA.Errors;
using SLoRA.Step;

namespace SLoRA.Adapters.Intake;

/// <summary>What adapters are besides B A: in words for people, and as the rule by which they go together in requests.</summary>
internal static class AdapterKinds
{
    /// <summary>The kinds of an adapter, for its coverage.</summary>
    public static ImmutableArray<string> Of(AdapterParts parts)
    {
        var kinds = ImmutableArray.CreateBuilder<string>();
        if (parts.Changes.Any(change => change.Magnitude is not null))
        {
            kinds.Add("DoRA");
        }

        if (parts.Changes.Any(change => change.LoraBias is not null))
        {
            kinds.Add("biases of B");
        }

        AddModules("own biases of", change => change.Bias is not null && !change.HasRows);
        AddModules("own weights of", change => change.HasRows && change.RowIds.IsEmpty);
        AddModules("own tokens of", change => !change.Ids.IsEmpty);
        if (parts.AddedTokens > 0)
        {
            kinds.Add($"{parts.AddedTokens} added tokens");
        }

        if (!parts.InvocationTokens.IsEmpty)
        {
            kinds.Add($"activated by {parts.InvocationTokens.Length} tokens");
        }

        return kinds.ToImmutable();

        void AddModules(string what, Func<AdapterChange, bool> has)
        {
            ImmutableArray<string> modules = [.. parts.Changes.Where(has).Select(change => change.Target.Name)];
            if (!modules.IsEmpty)
            {
                kinds.Add($"{what} {(modules.Length == 1 ? Shown.Name(modules[0]) : $"{modules.Length} modules")}");
            }
        }
    }

    /// <summary>How an adapter goes together with others.</summary>
    public static AdapterMixing MixingOf(AdapterParts parts) =>
        parts.Changes.Any(change => change.HasRows || change.Bias is not null) ? AdapterMixing.AloneUnscaled
        : parts.Changes.Any(change => change.Magnitude is not null) ? AdapterMixing.FirstUnscaled
        : !parts.InvocationTokens.IsEmpty ? AdapterMixing.Alone
        : AdapterMixing.Free;
}
