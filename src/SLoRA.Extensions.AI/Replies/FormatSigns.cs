namespace SLoRA.Extensions.AI.Replies;

/// <summary>What tells the formats apart. The order of the list decides where a template has signs of several.</summary>
internal static class FormatSigns
{
    // Each line: the format, what its templates all have in them, what its vocabulary has.
    private static readonly (ToolCallFormat Format, string[] InTemplate, string[] InVocabulary)[] ToolCalls =
    [
        (ToolCallFormat.Harmony, ["<|channel|>", "<|message|>"], []),
        (ToolCallFormat.DeepSeek, ["<｜tool▁calls▁begin｜>"], []),
        (ToolCallFormat.KimiK2, ["<|tool_calls_section_begin|>"], []),
        (ToolCallFormat.MiniMaxM2, ["<minimax:tool_call>"], []),
        (ToolCallFormat.Glm4, ["<tool_call>", "<arg_key>"], []),
        (ToolCallFormat.Qwen3Coder, ["<function=", "<parameter="], []),
        (ToolCallFormat.Mistral, ["[TOOL_CALLS]"], []),
        (ToolCallFormat.Granite, ["<|start_of_role|>", "<|tool_call|>"], []),
        (ToolCallFormat.Granite, ["<|start_of_role|>", "<tool_call>"], []),
        (ToolCallFormat.InternLm, ["<|plugin|>"], []),
        (ToolCallFormat.Phi4Mini, ["functools"], []),
        (ToolCallFormat.Phi4Mini, ["<|tool|>", "<|/tool|>"], []),
        (ToolCallFormat.Hermes, ["<tool_call>"], []),
        (ToolCallFormat.Pythonic, ["[func_name1("], []),
        (ToolCallFormat.Llama3Json, ["<|python_tag|>"], []),
        (ToolCallFormat.Llama3Json, ["{\"name\": function name, \"parameters\":"], []),
        (ToolCallFormat.Llama3Json, ["<|start_header_id|>", "\"parameters\": "], []),
        (ToolCallFormat.InternLm, [], ["<|action_start|>", "<|plugin|>"]),
        (ToolCallFormat.Harmony, [], ["<|channel|>", "<|message|>", "<|constrain|>"]),
        (ToolCallFormat.Mistral, [], ["[TOOL_CALLS]"]),
        (ToolCallFormat.DeepSeek, [], ["<｜tool▁calls▁begin｜>"]),
    ];

    private static readonly (ReasoningFormat Format, string InTemplate)[] Reasoning =
    [
        (ReasoningFormat.Think, "</think>"),
        (ReasoningFormat.Mistral, "[THINK]"),
        (ReasoningFormat.Granite, "Here is my thought process:"),
    ];

    public static ToolCallFormat ToolCallsOf(string template, Func<string, bool> hasToken)
    {
        foreach ((ToolCallFormat format, string[] inTemplate, string[] inVocabulary) in ToolCalls)
        {
            if (Array.TrueForAll(inTemplate, sign => template.Contains(sign, StringComparison.Ordinal))
                && Array.TrueForAll(inVocabulary, sign => hasToken(sign)))
            {
                return format;
            }
        }

        return ToolCallFormat.GenericJson;
    }

    public static ReasoningFormat ReasoningOf(string template)
    {
        foreach ((ReasoningFormat format, string inTemplate) in Reasoning)
        {
            if (template.Contains(inTemplate, StringComparison.Ordinal))
            {
                return format;
            }
        }

        return ReasoningFormat.None;
    }
}
