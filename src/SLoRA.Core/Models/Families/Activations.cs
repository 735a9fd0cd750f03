using SLoRA.Errors;
using SLoRA.Formats;
using SLoRA.Step;

namespace SLoRA.Models.Families;

/// <summary>The activation that a configuration names: <c>hidden_act</c>, in some families <c>hidden_activation</c>.</summary>
internal static class Activations
{
    /// <summary>The key of most families.</summary>
    public const string Key = "hidden_act";

    /// <summary>The key of families that ignore the other one.</summary>
    public const string NewerKey = "hidden_activation";

    /// <summary>The function of a gate; null for the name of a function that only blocks without a gate have.</summary>
    /// <param name="config">The root of config.json.</param>
    /// <param name="otherwise">What a file without the key means.</param>
    /// <param name="key">The key that the family goes by.</param>
    /// <exception cref="FormatError">The name is unknown, or the other key says something else.</exception>
    public static Activation? Read(ConfigObject config, string otherwise, string key)
    {
        Activation? gate = GateOf(config, key, config.OptionalString(key) ?? otherwise);
        if (key == Key && config.OptionalString(NewerKey) is { } newer && GateOf(config, NewerKey, newer) != gate)
        {
            throw config.Refusal(NewerKey, $"is {Shown.Name(newer)}, which this architecture does not go by; it has {Key}");
        }

        return gate;
    }

    /// <summary>The function of a feed-forward block without a gate.</summary>
    /// <param name="config">The root of config.json.</param>
    /// <param name="otherwise">What a file without the key means.</param>
    /// <param name="key">The key that the family goes by.</param>
    public static ElementFunction ReadPlain(ConfigObject config, string otherwise, string key = Key)
    {
        string name = config.OptionalString(key) ?? otherwise;
        return name == "relu2"
            ? new ElementFunction(ElementFunctionKind.SquaredRelu)
            : GateOf(config, key, name) is { } activation ? ElementFunction.Of(activation) : throw Refusal(config, key);
    }

    /// <summary>The refusal of a function that a block with a gate does not have.</summary>
    public static FormatError Refusal(ConfigObject config, string key = Key) =>
        config.Refusal(key, $"is {config.Shown(key)}; served here are 'silu', 'gelu' and 'gelu_pytorch_tanh'");

    private static Activation? GateOf(ConfigObject config, string key, string name) => name switch
    {
        "silu" or "swish" => Activation.Silu,
        "gelu" => Activation.Gelu,
        "gelu_pytorch_tanh" or "gelu_new" => Activation.GeluTanh,
        "relu2" or "xielu" => null,
        _ => throw config.Refusal(key, $"is {Shown.Name(name)}; served are 'silu', 'gelu' and 'gelu_pytorch_tanh'"),
    };
}
