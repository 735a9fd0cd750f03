using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Samples;
using SLoRA;

namespace Quickstart;

/// <summary>The options, and what runs for them.</summary>
internal static class CommandLine
{
    private static readonly Option<string?> Question = new("--question", "--prompt")
    {
        Description = "What the base and every adapter are asked at the same time.",
        HelpName = "TEXT",
    };

    private static readonly Option<string?> Chat =
        new("--chat") { Description = "A conversation with one adapter, or with 'base'.", HelpName = "TENANT" };
    private static readonly Option<string?> Model =
        new("--model") { Description = "Your own base model: a Hugging Face folder or a GGUF file.", HelpName = "DIR" };
    private static readonly Option<string[]> Adapters =
        new("--adapter") { Description = "An adapter for it: a PEFT folder. Repeatable.", HelpName = "NAME=DIR" };
    private static readonly Option<bool> Int8 = new("--int8")
    {
        Description = "Keeps the base model's matrices as 8-bit integers: about half the memory, faster where memory is slow.",
    };

    private static readonly Option<int> MaxTokens =
        new("--max-tokens") { Description = "The most tokens of one answer.", HelpName = "N", DefaultValueFactory = _ => 96 };
    private static readonly Option<float> Temperature = new("--temperature")
    {
        Description = "0 takes the likeliest token.",
        HelpName = "T",
        CustomParser = ParseNumber,
    };

    private static readonly Option<long?> Seed = new("--seed") { Description = "Makes sampled answers repeatable.", HelpName = "N" };
    private static readonly Option<bool> Raw =
        new("--raw") { Description = "Gives the prompt to the model as it is, without a chat template." };

    public static RootCommand Create()
    {
        var root = new RootCommand("One base model answers as many tenants at the same time, each through its own LoRA adapter.")
        {
            Question, Chat, Model, Adapters, Int8, MaxTokens, Temperature, Seed, Raw,
        };
        root.SetAction(RunAsync);
        return root;
    }

    /// <summary>0.5 means the same in every culture.</summary>
    private static float ParseNumber(ArgumentResult argument)
    {
        string text = argument.Tokens[0].Value;
        if (float.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out float number))
        {
            return number;
        }

        argument.AddError($"'{text}' is not a number for {((OptionResult)argument.Parent!).Option.Name}.");
        return 0;
    }

    private static async Task<int> RunAsync(ParseResult options, CancellationToken cancellation)
    {
        ModelFiles files = options.GetValue(Model) is { } model
            ? ModelFiles.Of(model, options.GetValue(Adapters) ?? [])
            : ModelFiles.Demo();
        if (options.GetValue(Model) is null && options.GetValue(Adapters) is { Length: > 0 })
        {
            throw new UsageException("--adapter needs --model DIR: the base model that the adapter was trained for.");
        }

        files = files with { Weights = options.GetValue(Int8) ? CpuWeights.Int8 : CpuWeights.AsStored };
        var settings =
            new AnswerSettings(options.GetValue(MaxTokens), options.GetValue(Temperature), options.GetValue(Seed), options.GetValue(Raw));
        Display display = Display.ForConsole();
        if (options.GetValue(Chat) is { } tenant)
        {
            await ChatCommand.RunAsync(files, tenant, settings, display, cancellation);
        }
        else
        {
            string question = options.GetValue(Question) ?? files.DefaultQuestion
                ?? throw new UsageException("--model needs --prompt TEXT or --chat NAME.");
            await QuestionCommand.RunAsync(files, question, settings, display, cancellation);
        }

        return ExitCode.Success;
    }
}
