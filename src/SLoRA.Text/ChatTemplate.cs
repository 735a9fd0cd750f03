using SLoRA.Text.Templates;

namespace SLoRA.Text;

/// <summary>
/// A chat template in the Jinja language as Hugging Face runs it: immutable sandbox, trim_blocks and lstrip_blocks, loop controls,
/// generation blocks, <c>tojson</c>, <c>raise_exception</c>, <c>strftime_now</c>. Parsed once; rendering shares nothing, so any number of
/// threads may render at once.
/// </summary>
public sealed class ChatTemplate
{
    private readonly ParsedTemplate _parsed;

    private ChatTemplate(string source, ParsedTemplate parsed)
    {
        Source = source;
        _parsed = parsed;
    }

    /// <summary>The template as it was given.</summary>
    public string Source { get; }

    /// <summary>Parses a template.</summary>
    /// <param name="template">Its text, at most 1,000,000 characters.</param>
    /// <exception cref="ChatTemplateException"><c>template.syntax</c>, or <c>template.limit</c> where it is too long or nests deeper than
    /// 200 levels.</exception>
    public static ChatTemplate Parse(string template)
    {
        ArgumentNullException.ThrowIfNull(template);
        return new ChatTemplate(template, Parser.Parse(template));
    }

    /// <summary>Renders a conversation.</summary>
    /// <param name="inputs">The variables of the template.</param>
    /// <returns>The prompt, exactly as transformers would make it.</returns>
    /// <exception cref="ChatTemplateException">The template raised an error, used what is undefined or forbidden, or exceeded a
    /// limit.</exception>
    public string Render(ChatTemplateInputs inputs) => RenderWithRanges(inputs).Text;

    /// <summary>Renders a conversation and reports which parts the assistant wrote.</summary>
    /// <param name="inputs">The variables of the template.</param>
    /// <exception cref="ChatTemplateException">The template raised an error, used what is undefined or forbidden, or exceeded a
    /// limit.</exception>
    public RenderedChat RenderWithRanges(ChatTemplateInputs inputs)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        var rendering = new Rendering(inputs, _parsed);
        rendering.Evaluator.Run();
        return new RenderedChat(rendering.Output.ToText().ToString()!, rendering.Generation);
    }

    /// <summary>Renders a conversation and tells what in the text is the conversation's own, character by character.</summary>
    internal (string Text, ContentRange[] Content) RenderWithContent(ChatTemplateInputs inputs)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        var rendering = new Rendering(inputs, _parsed, tracksContent: true);
        rendering.Evaluator.Run();
        object text = rendering.Output.ToText();
        return (text.ToString()!, (text as RichText)?.Content ?? []);
    }
}
